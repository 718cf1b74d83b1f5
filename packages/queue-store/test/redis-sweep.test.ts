import { systemClock } from "@sluice/ops/clock"
import { ManualClock } from "@sluice/ops/manual-clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { haveRedis } from "../../redis/test/redis-program.ts"
import { startCluster, type TestCluster } from "../../redis/test/start-cluster.ts"
import { RedisKeys } from "../src/redis/keys.ts"
import { openRedisStore } from "../src/redis/redis-store.ts"
import { type Swept, sweepRedis } from "../src/redis/sweep.ts"
import { lid, link, nid, notifier, queue, rid, service, serviceId, sid } from "./fixtures.ts"

/** What interrupted changes leave beside the records, made by hand. */
describe.skipIf(!haveRedis)("sweeping", () => {
  let cluster: TestCluster
  let connection: RedisConnection
  const keys = new RedisKeys("sluice:")
  beforeAll(async () => {
    cluster = await startCluster({ masters: 3 })
    connection = openRedis(cluster.config(), { log: silentLog, clock: systemClock })
    await connection.ready(10_000)
  })
  afterAll(async () => {
    await connection.close()
    await cluster[Symbol.asyncDispose]()
  })

  /** A whole sweep at a time so much later; the wait before repairs is let pass. */
  async function sweep(clock: ManualClock): Promise<number> {
    let repaired = 0
    let swept: Swept = { repaired: 0 }
    do {
      let done = false
      const { cursor } = swept
      const step = sweepRedis({ connection, clock, limit: 3, ...(cursor !== undefined && { cursor }) })
      const passing = (async () => {
        while (!done) {
          await new Promise((resolve) => setImmediate(resolve))
          clock.advance(60_000)
        }
      })()
      swept = await step
      done = true
      await passing
      repaired += swept.repaired
    } while (swept.cursor !== undefined)
    return repaired
  }

  it("finds nothing to do in a store without interruptions, and repairs what they left", async () => {
    const clock = new ManualClock()
    const store = openRedisStore({ connection, clock })
    for (const n of [1, 2]) await store.registerService(service(n))
    for (let n = 1; n <= 12; n++) {
      const notified = notifier(n, { serviceId: serviceId(1) })
      const record = queue(n, { linkId: lid(n), notifier: notified, rcvServiceId: serviceId(2) })
      await store.createQueue(record, { linkData: link(n, n) })
    }
    clock.advance(3_600_000)
    expect(await sweep(clock)).toBe(0)

    // Claims of a queue that was never written, and lists that name queues that are gone.
    const value = (await connection.command(["GET", keys.index("sender", sid(1))])) as Uint8Array
    await connection.command(["SET", keys.index("sender", sid(90)), value])
    await connection.command(["SET", keys.index("notifier", nid(90)), value])
    await connection.command(["SET", keys.index("link", lid(90)), value])
    await connection.command(["ZADD", keys.list("queues", rid(91)[0] as number), 0, rid(91)])
    await connection.command(["ZADD", keys.list("notifiers", nid(91)[0] as number), 0, nid(91)])
    // A notifier that is in no list, and a queue that is not in the set of its service but in that of another.
    await connection.command(["ZREM", keys.list("notifiers", nid(3)[0] as number), nid(3)])
    await connection.command(["HSET", keys.record(rid(4)), "v", serviceId(1)])

    expect(await sweep(clock)).toBe(8)
    expect(await sweep(clock)).toBe(0)
    for (const kind of ["sender", "notifier", "link"] as const) {
      const id = { sender: sid, notifier: nid, link: lid }[kind](90)
      expect(await connection.command(["EXISTS", keys.index(kind, id)])).toBe(0)
    }
    expect((await store.queues({ limit: 99 })).queues).toHaveLength(12)
    expect((await store.serviceQueues(serviceId(1), "messages", { limit: 9 })).ids).toEqual([rid(4)])
    expect((await store.serviceTotals(serviceId(2), "messages"))?.count).toBe(11)
    expect((await store.queueByNotifier(nid(3)))?.recipientId).toEqual(rid(3))
    await store.close()
  })
})
