import { systemClock } from "@sluice/ops/clock"
import { ManualClock } from "@sluice/ops/manual-clock"
import { Metrics } from "@sluice/ops/metrics"
import { recordingLog, silentLog } from "@sluice/ops/recording-log"
import { describe, expect, it } from "vitest"
import { openRedis, type RedisConnection } from "../src/connection.ts"
import { type DurabilityWatch, watchDurability } from "../src/durability-watch.ts"
import { registerRedisMetrics } from "../src/redis-metrics.ts"
import type { RedisConfig } from "../src/settings.ts"
import { haveRedis } from "./redis-program.ts"
import { startCluster, until } from "./start-cluster.ts"
import { startRedis } from "./start-redis.ts"
import { startSentinel } from "./start-sentinel.ts"

const MINUTES = 60_000

/** A watch on its own time, and what it told. */
interface Watched extends AsyncDisposable {
  readonly redis: RedisConnection
  readonly clock: ManualClock
  readonly watch: DurabilityWatch
  /** Codes of warnings, and messages of what was only told, since the last call. */
  told(): string[]
  /** Lets time pass until something is told. */
  tells(ms: number): Promise<string[]>
}

async function watched(config: RedisConfig): Promise<Watched> {
  const [clock, log] = [new ManualClock(), recordingLog()]
  const redis = openRedis(config, { log: silentLog, clock: systemClock })
  await redis.ready(5_000)
  const watch = await watchDurability(redis, { clock, log })
  let seen = 0
  const told = (): string[] => {
    const entries = log.entries.slice(seen).filter(({ level }) => level !== "debug")
    seen = log.entries.length
    return entries.map(({ level, fields, message }) => (level === "warn" ? codeIn(fields) : message))
  }
  return {
    ...{ redis, clock, watch, told },
    async tells(ms) {
      const all: string[] = []
      await until(async () => {
        await clock.advanceAsync(ms)
        all.push(...told())
        return all.length > 0
      })
      return all
    },
    [Symbol.asyncDispose]: () => redis.close(),
  }
}

function codeIn(fields: object): string {
  return "code" in fields ? String(fields.code) : ""
}

const FINE = "Redis is set up for the durability asked for again"

describe.skipIf(!haveRedis)("watching what Redis is set up to do", () => {
  it("finds what is changed while it runs, once, and that it is right again", async () => {
    await using server = await startRedis({ appendonly: true })
    await using it = await watched(server.config({ durability: "fsync" }))
    const metrics = new Metrics()
    registerRedisMetrics(metrics.register, it.redis, it.watch)
    expect([it.watch.kept, it.told()]).toEqual([true, []])
    expect(await metrics.render()).toContain("sluice_redis_durability_kept 1\n")

    await server.command("CONFIG", "SET", "appendfsync", "everysec")
    expect(await it.tells(5 * MINUTES)).toEqual(["APPEND_FSYNC"])
    expect(it.watch.kept).toBe(false)
    expect(await metrics.render()).toContain("sluice_redis_durability_kept 0\n")
    // Half a minute is enough while something is wrong; what was told is not told again.
    await server.command("CONFIG", "SET", "maxmemory", "100mb")
    await server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    expect(await it.tells(30_000)).toEqual(["EVICTION"])
    await server.command("CONFIG", "SET", "appendonly", "no")
    expect(await it.tells(30_000)).toEqual(["APPEND_ONLY_OFF"])
    await server.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    await server.command("CONFIG", "SET", "appendonly", "yes")
    await server.command("CONFIG", "SET", "appendfsync", "always")
    expect(await it.tells(30_000)).toEqual([FINE])
    expect(it.watch.kept).toBe(true)

    await server.command("ACL", "SETUSER", "default", "-config")
    expect(await it.tells(5 * MINUTES)).toEqual(["NOT_ALLOWED_TO_LOOK"])
    expect(it.watch.kept).toBe(undefined)
    expect(await metrics.render()).not.toMatch(/^sluice_redis_durability_kept/m)
    await server.command("ACL", "SETUSER", "default", "+@all")
    expect(await it.tells(30_000)).toEqual([FINE])

    await it.redis.close()
    expect(it.clock.pending).toBe(0)
  })

  it("looks at a server that was started again with other settings, soon after it is connected to", async () => {
    await using server = await startRedis({ appendonly: true })
    await using it = await watched(server.config({ durability: "fsync" }))
    await server.stop()
    await using _other = await startRedis({ port: server.port, folder: server.folder })
    await it.redis.ready(10_000)
    expect(await it.tells(1_000)).toEqual(["APPEND_ONLY_OFF"])
    // Long before it would have looked by itself.
    expect(it.clock.monotonic()).toBeLessThan(5 * MINUTES)
  })

  it("looks again when Redis is back, if it was away when it was to look", async () => {
    await using server = await startRedis({ appendonly: true })
    await using it = await watched(server.config({ durability: "fsync" }))
    await server.kill()
    await until(async () => !it.redis.isUp)
    await it.clock.advanceAsync(60 * MINUTES)
    expect([it.watch.kept, it.told()]).toEqual([true, []])
    await using _other = await startRedis({ port: server.port, folder: server.folder })
    await it.redis.ready(10_000)
    expect(await it.tells(1_000)).toEqual(["APPEND_ONLY_OFF"])
  })

  it("looks at the primary that Sentinels chose", async () => {
    await using sentinel = await startSentinel({ appendonly: true })
    await using it = await watched(sentinel.config({ durability: "fsync" }))
    expect(it.watch.kept).toBe(true)
    await sentinel.replica.command("CONFIG", "SET", "appendfsync", "no")
    await sentinel.primary.kill()
    await until(async () => !it.redis.isUp)
    await it.redis.ready(20_000)
    expect(await it.tells(1_000)).toEqual(["APPEND_FSYNC"])
    expect(it.clock.monotonic()).toBeLessThan(5 * MINUTES)
  })

  it("looks at a primary of a Cluster that took over while all connections stayed", async () => {
    await using cluster = await startCluster({ replicas: 1, appendonly: true })
    await using it = await watched(cluster.config({ durability: "fsync" }))
    expect(it.watch.kept).toBe(true)
    await cluster.replicas[0]?.command("CONFIG", "SET", "appendonly", "no")
    await it.clock.advanceAsync(60_000)
    expect(it.told()).toEqual([])
    await cluster.replicas[0]?.command("CLUSTER", "FAILOVER")
    await until(async () => it.redis.nodes().some(({ name }) => name.endsWith(`:${cluster.replicas[0]?.port}`)))
    expect(await it.tells(1_000)).toEqual(["APPEND_ONLY_OFF"])
    expect(it.clock.monotonic()).toBeLessThan(5 * MINUTES)
  })
})
