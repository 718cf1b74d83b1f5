import { describe, expect, it } from "vitest"
import { accepted, message, mid, QUOTA, queue, rid } from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

/**
 * How often a queue was filled: a store gives these numbers with everything that finds a queue empty or fills it, or never.
 */
export function fillingsContract(make: MakeStore): void {
  describe("fillings", () => {
    const store = freshStore(make)

    const send = async (n: number, options: Parameters<ReturnType<typeof store>["enqueue"]>[2] = QUOTA) => {
      const result = await store().enqueue(rid(1), message(n), options)
      return result.result === "stored" ? result.filling : "refused"
    }
    const ack = async (n: number) => {
      const result = await store().acknowledge(rid(1), mid(n))
      return result.result === "acknowledged" ? result.filling : undefined
    }
    const peek = async () => (await store().peek([rid(1)]))[0]?.filling
    const subscribe = async () => accepted((await store().subscribe([{ recipientId: rid(1) }], "a"))[0]).filling

    /** What a store that counts gives in place of these numbers, and one that does not. */
    async function expected(numbers: readonly (number | undefined)[]): Promise<(number | undefined)[]> {
      await store().createQueue(queue(2))
      const [{ filling } = {}] = await store().peek([rid(2)])
      return numbers.map((n) => (filling === undefined ? undefined : n))
    }

    it("are none in a queue that is new", async () => {
      await store().createQueue(queue(1))
      expect([await peek(), await subscribe(), await ack(7)]).toEqual(await expected([0, 0, 0]))
    })

    it("grow by one with each, and are the same wherever they are given", async () => {
      await store().createQueue(queue(1))
      for (let n = 1; n <= 12; n++) {
        expect([await send(n), await peek(), await subscribe(), await ack(n)]).toEqual(
          await expected([n, undefined, undefined, n]),
        )
        expect([await peek(), await subscribe(), await ack(n)]).toEqual(await expected([n, n, n]))
      }
    })

    it("do not count what comes into a queue that is not empty", async () => {
      await store().createQueue(queue(1))
      expect([await send(1), await send(2), await ack(1), await send(3), await ack(2), await ack(3)]).toEqual(
        await expected([1, undefined, undefined, undefined, undefined, 1]),
      )
    })

    it("count a queue that expiry emptied, before a message or on its own", async () => {
      await store().createQueue(queue(1))
      for (const n of [1, 2]) await send(n)
      expect(await send(3, { ...QUOTA, expireBefore: 1003 })).toEqual((await expected([2]))[0])
      let cursor: Uint8Array | undefined
      do {
        ;({ cursor } = await store().expireMessages({ before: 2000, limit: 100, ...(cursor && { cursor }) }))
      } while (cursor !== undefined)
      expect([await peek(), await send(4)]).toEqual(await expected([2, 3]))
    })

    it("do not count a marker: the next message is the next filling", async () => {
      await store().createQueue(queue(1))
      expect(await send(1, { quota: 0 })).toBe("refused")
      expect([await peek(), await subscribe(), await ack(1)]).toEqual(await expected([undefined, undefined, 0]))
      expect([await send(2), await ack(2)]).toEqual(await expected([1, 1]))
    })

    it("are none for queues that are not there", async () => {
      expect([await peek(), (await store().peek([new Uint8Array(3)]))[0]?.head]).toEqual([
        (await expected([0]))[0],
        undefined,
      ])
    })

    it("count once among many that come at once", async () => {
      await store().createQueue(queue(1))
      const results = await Promise.all(Array.from({ length: 8 }, (_, n) => send(n, { quota: 20 })))
      const [first] = await expected([1])
      expect(results).toEqual([first, ...Array.from({ length: 7 }, () => undefined)])
    })
  })
}
