import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis } from "@sluice/redis/connection"
import type { RedisConfig } from "@sluice/redis/settings"
import { describe, expect, it } from "vitest"
import { haveRedis } from "../../redis/test/redis-program.ts"
import { startCluster, until } from "../../redis/test/start-cluster.ts"
import { startSentinel } from "../../redis/test/start-sentinel.ts"
import type { QueueStore } from "../src/queue-store.ts"
import { openRedisStore } from "../src/redis/redis-store.ts"
import { StoreError } from "../src/store-error.ts"
import { message, queue, rid } from "./fixtures.ts"

/** Primaries that are lost while messages are sent: what was answered at the durability `replicated` is on the replica. */

const QUEUES = Array.from({ length: 12 }, (_, n) => n)

async function works(store: QueueStore): Promise<boolean> {
  return store.check().then(
    () => true,
    () => false,
  )
}

/** Sends to all queues at once until a primary that is lost meanwhile is replaced; what was answered OK, by queue. */
async function sendThrough(store: QueueStore, lose: () => Promise<void>): Promise<ReadonlyMap<number, number[]>> {
  const answered = new Map<number, number[]>(QUEUES.map((n) => [n, []]))
  let sent = 0
  let replaced = false
  const senders = QUEUES.map(async (n) => {
    while (!replaced) {
      const number = sent++
      try {
        const { result } = await store.enqueue(rid(n), message(number), { quota: 1_000_000 })
        expect(result).toBe("stored")
        answered.get(n)?.push(number)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        // The loss was noticed: there is no need to try all the time.
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  })
  await until(async () => sent > 300)
  await lose()
  await until(async () => (await works(store)) && (await everyQueueWorks(store)))
  replaced = true
  await Promise.all(senders)
  return answered
}

async function everyQueueWorks(store: QueueStore): Promise<boolean> {
  const found = await Promise.allSettled(QUEUES.map((n) => store.unsubscribe(rid(n), { node: "none", epoch: 0 })))
  return found.every(({ status }) => status === "fulfilled")
}

async function expectKept(config: RedisConfig, lose: () => Promise<void>): Promise<void> {
  await using connection = openRedis(config, { log: silentLog, clock: systemClock })
  await connection.ready(10_000)
  await using store = openRedisStore({ connection })
  await until(() => works(store))
  for (const n of QUEUES) {
    await until(async () => (await store.createQueue(queue(n)).catch(() => undefined)) !== undefined)
  }
  for (const [n, numbers] of await sendThrough(store, lose)) {
    const found = (await store.messages(rid(n))).map(({ timestamp }) => timestamp - 1000)
    expect(found.filter((number) => numbers.includes(number))).toEqual(numbers)
  }
}

describe.skipIf(!haveRedis)("losing a primary", () => {
  it("loses nothing that was answered, with Sentinels", async () => {
    // Without files, a primary that is started again is empty, and its replicas may become so before it is replaced.
    await using sentinel = await startSentinel({ appendonly: true })
    const config = sentinel.config({ durability: "replicated", durabilityTimeout: 500, connectTimeout: 500 })
    await expectKept(config, async () => {
      await sentinel.primary.kill()
      await until(async () => (await sentinel.primaryPort()) === sentinel.replica.port)
      // The new primary needs a replica again; the Sentinel would see to it after some 20 s.
      await sentinel.primary.start()
      await sentinel.primary.command("REPLICAOF", "127.0.0.1", sentinel.replica.port)
    })
  })

  it("loses nothing that was answered, in a Cluster", async () => {
    await using cluster = await startCluster({ masters: 3, replicas: 1 })
    const config = cluster.config({ durability: "replicated", durabilityTimeout: 500, connectTimeout: 500 })
    await expectKept(config, async () => {
      const [first] = cluster.masters
      const [replica] = cluster.replicas
      await first?.kill()
      await until(async () => String(await replica?.command("ROLE")).startsWith("master"))
      await first?.start()
    })
  })
})
