import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import type { RedisConfig } from "@sluice/redis/settings"
import { describe, expect, it } from "vitest"
import { haveRedis } from "../../redis/test/redis-program.ts"
import { startRedis, type TestRedis } from "../../redis/test/start-redis.ts"
import type { QueueStore } from "../src/queue-store.ts"
import { openRedisStore } from "../src/redis/redis-store.ts"
import { StoreError, type StoreProblem } from "../src/store-error.ts"
import { accepted, lid, link, message, mid, notification, notifier, QUOTA, queue, rid } from "./fixtures.ts"

/** What the store does when Redis does not do what it should. */

interface Opened extends AsyncDisposable {
  readonly connection: RedisConnection
  readonly store: QueueStore
}

async function open(config: RedisConfig): Promise<Opened> {
  const connection = openRedis(config, { log: silentLog, clock: systemClock })
  await connection.ready(10_000)
  const store = openRedisStore({ connection })
  return {
    connection,
    store,
    [Symbol.asyncDispose]: async () => {
      await store.close()
      await connection.close()
    },
  }
}

async function problemOf(promise: Promise<unknown>): Promise<StoreProblem["code"] | undefined> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof StoreError ? error.problem.code : undefined
}

/** Everything that is in the server, by key. */
async function dump(server: TestRedis): Promise<Record<string, unknown>> {
  const keys = (await server.command("KEYS", "*")) as string[]
  const values = await Promise.all(
    keys.sort().map(async (key) => {
      const type = await server.command("TYPE", key)
      if (type === "hash") return [key, await server.command("HGETALL", key)]
      if (type === "list") return [key, await server.command("LRANGE", key, 0, -1)]
      if (type === "zset") return [key, await server.command("ZRANGE", key, 0, -1)]
      return [key, await server.command("GET", key)]
    }),
  )
  return Object.fromEntries(values)
}

describe.skipIf(!haveRedis)("the store on a Redis with an append-only file", () => {
  it("has everything that was answered after Redis was killed, under load", async () => {
    await using server = await startRedis({ appendonly: true })
    await using opened = await open(server.config({ durability: "fsync" }))
    const { store, connection } = opened
    const queues = Array.from({ length: 8 }, (_, n) => n)
    for (const n of queues) await store.createQueue(queue(n), { subscriber: "a" })
    const stored = new Map<number, number[]>(queues.map((n) => [n, []]))
    for (let round = 0; round < 3; round++) {
      let answered = 0
      let killed = Promise.resolve()
      let sent = 0
      const failures = new Set<string | undefined>()
      const load = queues.map(async (n) => {
        for (let failed = false; !failed; ) {
          const number = round * 100_000 + sent++
          try {
            const result = await store.enqueue(rid(n), message(number), { quota: 100_000 })
            expect(result.result).toBe("stored")
            stored.get(n)?.push(number)
            if (++answered === 400) killed = server.kill()
          } catch (error) {
            failures.add(error instanceof StoreError ? error.problem.code : String(error))
            failed = true
          }
        }
      })
      await Promise.all(load)
      await killed
      expect([...failures]).toEqual(["STORE_UNAVAILABLE"])
      await server.start()
      await connection.ready(10_000)
      for (const n of queues) {
        const found = (await store.messages(rid(n))).map(({ timestamp }) => timestamp - 1000)
        // What was rejected may be there as well; what was answered must be, in its order.
        const expected = stored.get(n) ?? []
        expect(found.filter((number) => expected.includes(number))).toEqual(expected)
        stored.set(n, found)
      }
    }
    expect(await problemOf(store.check())).toBeUndefined()
  })
})

describe.skipIf(!haveRedis)("the store while Redis is away", () => {
  it("rejects at once, and works again when Redis is back", async () => {
    await using server = await startRedis({ appendonly: true })
    await using opened = await open(server.config())
    const { store, connection } = opened
    await store.createQueue(queue(1), { subscriber: "a" })
    await store.enqueue(rid(1), message(1), QUOTA)
    await server.stop()
    const started = performance.now()
    const operations = [
      store.enqueue(rid(1), message(2), QUOTA),
      store.acknowledge(rid(1), mid(1)),
      store.queueByRecipient(rid(1)),
      store.subscribe([{ recipientId: rid(1) }], "b"),
      store.createQueue(queue(2)),
      store.queues({ limit: 5 }),
      store.counts(),
      store.check(),
    ]
    const problems = await Promise.all(operations.map(problemOf))
    expect(problems).toEqual(operations.map(() => "STORE_UNAVAILABLE"))
    expect(performance.now() - started).toBeLessThan(1_000)
    await server.start()
    await connection.ready(10_000)
    await store.check()
    expect(await store.messages(rid(1))).toEqual([message(1)])
    expect(await store.enqueue(rid(1), message(2), QUOTA)).toMatchObject({ result: "stored", owner: { node: "a" } })
    expect(await store.createQueue(queue(2))).toEqual({ created: true })
  })

  it("rejects what a paused Redis does not answer in time", async () => {
    await using server = await startRedis()
    await using opened = await open(server.config({ commandTimeout: 100, connectTimeout: 300 }))
    await opened.store.createQueue(queue(1))
    server.pause()
    expect(await problemOf(opened.store.enqueue(rid(1), message(1), QUOTA))).toBe("STORE_UNAVAILABLE")
    server.resume()
    await opened.connection.ready(10_000)
    expect((await opened.store.enqueue(rid(1), message(2), QUOTA)).result).toBe("stored")
  })
})

describe.skipIf(!haveRedis)("the store on a Redis without room", () => {
  it("refuses what needs room, changes nothing by it, and goes on with the rest", async () => {
    await using server = await startRedis()
    await using opened = await open(server.config())
    const { store } = opened
    await store.createQueue(queue(1, { notifier: notifier(1), linkId: lid(1) }), { linkData: link(1, 1) })
    const sending = { quota: 9, notification: notification(1) }
    for (const n of [1, 2, 3]) await store.enqueue(rid(1), message(n), sending)
    await store.counts()
    const before = await dump(server)
    await server.command("CONFIG", "SET", "maxmemory", 1)
    const refused = [
      store.enqueue(rid(1), message(4), sending),
      store.createQueue(queue(2)),
      store.setNotifier(rid(1), notifier(2)),
      store.importQueues([{ queue: queue(3), messages: [message(1)] }]),
    ]
    expect(await Promise.all(refused.map(problemOf))).toEqual(refused.map(() => "STORE_FULL"))
    expect(await dump(server)).toEqual(before)
    // There is something to do, and other nodes learn how far it is.
    await store.check()
    expect(await store.counts()).toMatchObject({ queues: 1, messages: 3 })
    const { owner, head } = accepted((await store.subscribe([{ recipientId: rid(1) }], "b"))[0])
    expect(head).toEqual(message(1))
    expect(await store.acknowledge(rid(1), mid(1), owner)).toMatchObject({ next: message(2) })
    expect(accepted(await store.block(rid(1), { reason: "spam" })).owner).toEqual(owner)
    expect((await store.expireMessages({ before: 1003, limit: 9 })).expired).toBe(1)
    expect(accepted(await store.deleteQueue(rid(1))).messages).toBe(1)
    const { queues, messages, notifications } = await store.counts()
    expect({ queues, messages, notifications }).toEqual({ queues: 0, messages: 0, notifications: 0 })
    await using other = await open(server.config())
    expect(await other.store.counts()).toMatchObject({ queues: 0, messages: 0, notifications: 0 })
    await server.command("CONFIG", "SET", "maxmemory", 0)
    expect(await store.createQueue(queue(1))).toEqual({ created: true })
    expect(await store.counts()).toMatchObject({ queues: 1, messages: 0, notifications: 0 })
  })
})

describe.skipIf(!haveRedis)("the store on a Redis that refuses all changes", () => {
  it("is not to be used, and loses no number nor counts one twice", async () => {
    await using server = await startRedis()
    await using opened = await open(server.config())
    const { store } = opened
    await store.createQueue(queue(1))
    for (const n of [1, 2, 3]) await store.enqueue(rid(1), message(n), QUOTA)
    await server.command("CONFIG", "SET", "min-replicas-to-write", 1)
    const refused = [store.check(), store.counts(), store.acknowledge(rid(1), mid(1))]
    expect(await Promise.all(refused.map(problemOf))).toEqual(refused.map(() => "STORE_UNAVAILABLE"))
    await server.command("CONFIG", "SET", "maxmemory", 1)
    expect(await problemOf(store.check())).toBe("STORE_UNAVAILABLE")
    await server.command("CONFIG", "SET", "maxmemory", 0)
    await server.command("CONFIG", "SET", "min-replicas-to-write", 0)
    await store.check()
    expect(await store.counts()).toMatchObject({ queues: 1, messages: 3 })
  })

  it("is not to be used where its disk can not be written", async () => {
    await using server = await startRedis()
    await using opened = await open(server.config())
    await server.command("CONFIG", "SET", "save", "3600 1")
    // A folder is where the snapshot is to be: writing it fails.
    await mkdir(join(server.folder, "dump.rdb"))
    await server.command("BGSAVE")
    await expect.poll(() => problemOf(opened.store.check()), { timeout: 10_000 }).toBe("STORE_FULL")
    await server.command("CONFIG", "SET", "maxmemory", 1)
    expect(await problemOf(opened.store.check())).toBe("STORE_FULL")
  })
})

describe.skipIf(!haveRedis)("the store on a replica", () => {
  it("refuses changes, reads on, and works when the replica became a primary", async () => {
    await using server = await startRedis()
    await using opened = await open(server.config())
    const { store } = opened
    await store.createQueue(queue(1))
    await store.enqueue(rid(1), message(1), QUOTA)
    await store.counts()
    const before = await dump(server)
    await server.command("REPLICAOF", "127.0.0.1", 1)
    const changes = [
      store.enqueue(rid(1), message(2), QUOTA),
      store.acknowledge(rid(1), mid(1)),
      store.createQueue(queue(2)),
      store.deleteQueue(rid(1)),
      store.check(),
    ]
    expect(await Promise.all(changes.map(problemOf))).toEqual(changes.map(() => "STORE_UNAVAILABLE"))
    expect(await store.queueByRecipient(rid(1))).toEqual(queue(1))
    expect(await store.peek([rid(1)])).toEqual([{ head: message(1) }])
    expect(await dump(server)).toEqual(before)
    await server.command("REPLICAOF", "NO", "ONE")
    expect(await store.acknowledge(rid(1), mid(1))).toMatchObject({ result: "acknowledged" })
    await store.check()
  })
})

describe.skipIf(!haveRedis)("the store with the durability replicated", () => {
  it("confirms what a replica has, and rejects what none confirms, although it may stand", async () => {
    await using primary = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] })
    await using replica = await startRedis({ args: ["--replicaof", "127.0.0.1", `${primary.port}`] })
    await using opened = await open(primary.config({ durability: "replicated", durabilityTimeout: 500 }))
    const { store } = opened
    await expect.poll(() => problemOf(store.check()), { timeout: 10_000 }).toBeUndefined()
    await store.createQueue(queue(1))
    const sent = Array.from({ length: 50 }, (_, n) => store.enqueue(rid(1), message(n), { quota: 99 }))
    for (const { result } of await Promise.all(sent)) expect(result).toBe("stored")
    await replica.command("REPLICAOF", "NO", "ONE")
    await using promoted = await open(replica.config())
    expect(await promoted.store.messages(rid(1))).toHaveLength(50)
    expect(await problemOf(store.enqueue(rid(1), message(51), { quota: 99 }))).toBe("STORE_UNAVAILABLE")
    expect(await store.queueInfo(rid(1))).toMatchObject({ size: 51 })
  })
})

describe.skipIf(!haveRedis)("the store on keys that another program wrote", () => {
  it("says that they are not its own", async () => {
    await using server = await startRedis()
    await using opened = await open(server.config())
    const { store } = opened
    await store.createQueue(queue(1))
    await store.enqueue(rid(1), message(1), QUOTA)
    const keys = (await server.command("KEYS", "*}b*")) as string[]
    await server.command("DEL", ...keys)
    expect(await problemOf(store.peek([rid(1)]))).toBe("STORE_CORRUPT")
    expect(await problemOf(store.subscribe([{ recipientId: rid(1) }], "a"))).toBe("STORE_CORRUPT")
    const [record = ""] = (await server.command("KEYS", "*}")) as string[]
    await server.command("SET", record, "x")
    expect(await problemOf(store.queueByRecipient(rid(1)))).toBe("STORE_CORRUPT")
    expect(await problemOf(store.acknowledge(rid(1), mid(1), { node: "a", epoch: 1 }))).toBe("STORE_CORRUPT")
  })
})
