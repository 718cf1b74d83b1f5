import { readFile, rename, stat } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { compareStores } from "@sluice/queue-store/migration/compare-stores"
import { openRedisStore } from "@sluice/queue-store/redis/redis-store"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { fillStore } from "../../queue-store/test/filled-store.ts"
import { haveRedis } from "../../redis/test/redis-program.ts"
import { startRedis, type TestRedis } from "../../redis/test/start-redis.ts"
import { type Result, type Running, sluice, start, temporaryFolder } from "./sluice.ts"

const QUEUES = 3000

describe.skipIf(!haveRedis)("sluice migrate-store", { timeout: 120_000 }, () => {
  let redis: TestRedis
  let connection: RedisConnection
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let env: Record<string, string>

  beforeAll(async () => {
    redis = await startRedis()
    connection = openRedis(redis.config(), { log: silentLog, clock: systemClock })
    await connection.ready(5000)
    folder = await temporaryFolder()
    const store = await openLmdbStore({ folder: join(folder.path, "store"), sync: false })
    await fillStore(store, QUEUES)
    await store.close()
  })
  afterAll(async () => {
    await connection.close()
    await redis[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    env = {
      ...{ SLUICE_DATA: folder.path, SLUICE_RELAY_PORT: "0", SLUICE_ADMIN_PORT: "0" },
      ...{ SLUICE_REDIS_NODES: `127.0.0.1:${redis.port}`, SLUICE_REDIS_DURABILITY: "memory" },
    }
  })

  const migrate = (to: string, ...more: string[]): Promise<Result> =>
    sluice(["migrate-store", "--to", to, "--json", ...more], { env })

  /** Lets it run until some of the queues are copied, then kills it with SIGKILL. */
  async function killHalfWay(to: string): Promise<void> {
    const running: Running = start(["migrate-store", "--to", to], { env })
    for (let copied = 0; copied < QUEUES / 4; await wait(1)) {
      const text = await readFile(join(folder.path, "migration.json"), "utf8").catch(() => "{}")
      copied = (JSON.parse(text) as { state?: { copied: { queues: number } } }).state?.copied.queues ?? 0
    }
    running.child.kill("SIGKILL")
    await running.ended
    expect(await readFile(join(folder.path, "migration.json"), "utf8")).toContain('"phase":"queues"')
  }

  it("moves everything to Redis and back, killed half-way both times", async () => {
    await killHalfWay("redis")
    const served = await sluice(["relay"], { env: { ...env, SLUICE_STORE_KIND: "redis" } })
    expect(served.code).toBe(2)
    const other = await migrate("lmdb")
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("a migration to redis was not finished") })

    const forth = await migrate("redis")
    expect(forth.stderr).toContain("Goes on where it was interrupted.")
    expect(forth).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/copying: 100 %\n(comparing: \d+ %\n)*comparing: 100 %/),
    })
    const moved = JSON.parse(forth.stdout) as object
    expect(moved).toMatchObject({ status: "migrated", queues: QUEUES, services: 3, blobs: QUEUES / 10 })

    const embedded = join(folder.path, "store")
    const first = await openLmdbStore({ folder: embedded })
    await using second = openRedisStore({ connection })
    expect(await compareStores(first, second)).toMatchObject({ equal: true })
    expect(await second.counts()).toEqual(await first.counts())
    await first.close()

    expect(await migrate("lmdb")).toMatchObject({ code: 2, stderr: expect.stringContaining("there is a store in") })
    await rename(embedded, `${embedded}.before`)
    await killHalfWay("lmdb")
    await expect(stat(embedded)).rejects.toThrow("ENOENT")
    const back = await migrate("lmdb")
    expect(back.code).toBe(0)
    expect(JSON.parse(back.stdout)).toEqual(moved)
    await expect(stat(join(folder.path, "migration.json"))).rejects.toThrow("ENOENT")
    await using before = await openLmdbStore({ folder: `${embedded}.before` })
    await using after = await openLmdbStore({ folder: embedded })
    expect(await compareStores(before, after)).toMatchObject({ equal: true })
    expect(await after.counts()).toEqual(await before.counts())
  })

  it("does not touch stores that relays work on, nor a Redis with another store", async () => {
    await using other = await temporaryFolder()
    env = { ...env, SLUICE_DATA: other.path, SLUICE_RELAY_HOST: "localhost" }
    expect((await sluice(["init"], { env })).code).toBe(0)
    expect(await migrate("redis")).toMatchObject({ code: 2, stderr: expect.stringContaining("store.path: ") })

    const relay = start(["relay"], { env })
    await relay.said(/"message":"started"/)
    expect(await migrate("redis")).toMatchObject({ code: 2, stderr: expect.stringMatching(/is running.*: stop it/) })
    relay.child.kill("SIGTERM")
    expect((await relay.ended).code).toBe(0)
    expect(await migrate("redis")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is a store already"),
    })

    const shared = start(["relay"], { env: { ...env, SLUICE_STORE_KIND: "redis" } })
    await shared.said(/"message":"started"/)
    await using third = await temporaryFolder()
    env = { ...env, SLUICE_DATA: third.path }
    expect(await migrate("lmdb")).toMatchObject({ code: 2, stderr: expect.stringContaining("1 relay(s) are at work") })
    shared.child.kill("SIGTERM")
    expect((await shared.ended).code).toBe(0)

    // Data of a later release: one line that names both versions.
    await redis.command("HSET", `${connection.prefix}schema`, "version", 9, "least", 9)
    const late = await sluice(["relay"], { env: { ...env, SLUICE_DATA: other.path, SLUICE_STORE_KIND: "redis" } })
    expect(late.code).toBe(2)
    expect(late.stderr).toMatch(
      /^sluice: redis\.prefix: the store in Redis has schema version 9, this program knows 1: run the newer program that wrote it$/m,
    )
  })
})
