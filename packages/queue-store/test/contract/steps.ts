import { describe, expect, it } from "vitest"
import type { Step } from "../../src/queue-store.ts"
import { message, queue, rid, service, serviceId } from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** Walks in bounded steps see everything once, even while it changes. */
export function stepsContract(make: MakeStore): void {
  describe("steps", () => {
    const store = freshStore(make)

    async function walk(
      next: (options: { limit: number } & Step) => Promise<Step & { readonly ids: readonly Uint8Array[] }>,
      between: (step: number) => Promise<unknown> = async () => undefined,
    ): Promise<string[]> {
      const visited: string[] = []
      let cursor: Uint8Array | undefined
      for (let i = 0; ; i++) {
        const step = await next({ limit: 7, ...(cursor !== undefined && { cursor }) })
        expect(step.ids.length).toBeLessThanOrEqual(7)
        visited.push(...step.ids.map(hex))
        cursor = step.cursor
        if (cursor === undefined) return visited
        await between(i)
      }
    }

    const queues = async (options: { limit: number } & Step) => {
      const { queues: found, ...rest } = await store().queues(options)
      return { ...rest, ids: found.map(({ recipientId }) => recipientId) }
    }

    it("end at once when there is nothing", async () => {
      expect(await store().queues({ limit: 5 })).toEqual({ queues: [] })
      expect(await store().services({ limit: 5 })).toEqual({ services: [] })
      expect(await store().pendingNotifiers({ limit: 5 })).toEqual({ notifierIds: [] })
      expect(await store().expireMessages({ before: 1, limit: 5 })).toEqual({ expired: 0 })
      expect(await store().expireNotifications({ before: 1, limit: 5 })).toEqual({ expired: 0 })
      expect(await store().expireLinks({ before: 1, limit: 5 })).toEqual({ expired: 0 })
    })

    it.each([1, 6, 7, 8, 40])("visit %i queues in the order of their IDs", async (count) => {
      for (let n = 0; n < count; n++) await store().createQueue(queue(n))
      const expected = Array.from({ length: count }, (_, n) => hex(rid(n))).sort()
      expect(await walk(queues)).toEqual(expected)
    })

    it("make progress with any limit", async () => {
      for (let n = 0; n < 3; n++) await store().createQueue(queue(n))
      const { queues: found, cursor } = await store().queues({ limit: 0 })
      expect(found).toHaveLength(1)
      expect(cursor).toBeDefined()
    })

    it("visit once what is there all the time, while other queues come and go", async () => {
      for (let n = 0; n < 40; n++) await store().createQueue(queue(n))
      const visited = await walk(queues, async (i) => {
        await store().deleteQueue(rid(30 + i))
        await store().createQueue(queue(100 + i))
      })
      const staying = Array.from({ length: 30 }, (_, n) => hex(rid(n)))
      for (const recipientId of staying) expect(visited.filter((seen) => seen === recipientId)).toHaveLength(1)
      expect(new Set(visited).size).toBe(visited.length)
    })

    it("go on behind an ID that was removed meanwhile", async () => {
      for (let n = 0; n < 10; n++) await store().createQueue(queue(n))
      const { queues: first, cursor } = await store().queues({ limit: 4 })
      for (const { recipientId } of first) await store().deleteQueue(recipientId)
      const rest = await store().queues({ limit: 10, ...(cursor !== undefined && { cursor }) })
      expect(rest.queues.map(({ recipientId }) => recipientId)).toEqual([4, 5, 6, 7, 8, 9].map(rid))
    })

    it("visit services", async () => {
      for (let n = 0; n < 15; n++) await store().registerService(service(n))
      const visited = await walk(async (options) => {
        const { services, ...rest } = await store().services(options)
        return { ...rest, ids: services.map((found) => found.serviceId) }
      })
      expect(visited).toEqual(Array.from({ length: 15 }, (_, n) => hex(serviceId(n))).sort())
    })

    it("visit the queues of one service only", async () => {
      for (let n = 0; n < 60; n++) await store().createQueue(queue(n, { rcvServiceId: serviceId(n % 3) }))
      const visited = await walk(
        (options) => store().serviceQueues(serviceId(1), "messages", options),
        (i) => store().deleteQueue(rid(1 + 3 * (i + 10))),
      )
      for (let n = 1; n < 30; n += 3) expect(visited.filter((seen) => seen === hex(rid(n)))).toHaveLength(1)
      expect(visited.every((seen) => Array.from({ length: 20 }, (_, i) => hex(rid(1 + 3 * i))).includes(seen))).toBe(
        true,
      )
    })

    it("expire every old message once, while messages are sent and acknowledged", async () => {
      for (let n = 0; n < 30; n++) {
        await store().createQueue(queue(n))
        await store().enqueue(rid(n), message(1, { timestamp: 10 }), { quota: 9 })
        await store().enqueue(rid(n), message(2, { timestamp: 99 }), { quota: 9 })
      }
      let expired = 0
      let cursor: Uint8Array | undefined
      for (let i = 0; ; i++) {
        const step = await store().expireMessages({ before: 50, limit: 7, ...(cursor !== undefined && { cursor }) })
        expired += step.expired
        cursor = step.cursor
        if (cursor === undefined) break
        await store().enqueue(rid(i), message(3, { timestamp: 99 }), { quota: 9 })
        await store().deleteQueue(rid(29 - i))
      }
      expect(expired).toBeGreaterThanOrEqual(25)
      for (let n = 0; n < 25; n++) {
        expect((await store().messages(rid(n))).map(({ timestamp }) => timestamp)).not.toContain(10)
      }
    })
  })
}
