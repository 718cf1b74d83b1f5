import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openRedis } from "../src/connection.ts"
import { checkDurability } from "../src/durability.ts"
import type { RedisConfig } from "../src/settings.ts"
import { haveRedis } from "./redis-program.ts"
import { startCluster, until } from "./start-cluster.ts"
import { startRedis, type TestRedis } from "./start-redis.ts"

describe.skipIf(!haveRedis)("checking what Redis is set up to do", () => {
  let server: TestRedis
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  async function findings(changes: Partial<RedisConfig>): Promise<string[]> {
    await using redis = openRedis(server.config(changes), { log: silentLog, clock: systemClock })
    await redis.ready(5_000)
    return (await checkDurability(redis)).map(({ code }) => code)
  }

  it("finds what is missing for each level, and nothing when it is there", async () => {
    expect(await findings({ durability: "memory" })).toEqual([])
    expect(await findings({ durability: "fsync" })).toEqual(["APPEND_ONLY_OFF"])
    expect(await findings({ durability: "replicated" })).toEqual(["APPEND_ONLY_OFF", "TOO_FEW_REPLICAS"])
    await server.command("CONFIG", "SET", "appendonly", "yes")
    expect(await findings({ durability: "fsync" })).toEqual(["APPEND_FSYNC"])
    expect(await findings({ durability: "replicated", replicas: 2 })).toEqual(["TOO_FEW_REPLICAS"])
    await server.command("CONFIG", "SET", "appendfsync", "always")
    expect(await findings({ durability: "fsync" })).toEqual([])
    expect(await findings({ durability: "memory" })).toEqual([])
  })

  it("finds eviction only where memory has a limit", async () => {
    await server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    expect(await findings({ durability: "memory" })).toEqual([])
    await server.command("CONFIG", "SET", "maxmemory", "100mb")
    expect(await findings({ durability: "memory" })).toEqual(["EVICTION"])
    await server.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    expect(await findings({ durability: "memory" })).toEqual([])
  })

  it("finds a replica in the place of a primary", async () => {
    await server.command("REPLICAOF", "127.0.0.1", 1)
    expect(await findings({ durability: "memory" })).toEqual(["READ_ONLY"])
    await server.command("REPLICAOF", "NO", "ONE")
  })

  it("says so when it is not allowed to look", async () => {
    await server.command("ACL", "SETUSER", "default", "-config")
    expect(await findings({ durability: "fsync" })).toEqual(["NOT_ALLOWED_TO_LOOK"])
    await server.command("ACL", "SETUSER", "default", "+@all")
  })
})

it.skipIf(!haveRedis)("looks at every primary of a Cluster", async () => {
  await using cluster = await startCluster({ replicas: 1, appendonly: true })
  const codes = async (changes: Partial<RedisConfig>): Promise<string[]> => {
    await using redis = openRedis(cluster.config(changes), { log: silentLog, clock: systemClock })
    await redis.ready(5_000)
    return (await checkDurability(redis)).map(({ code }) => code)
  }
  expect(await codes({ durability: "fsync" })).toEqual([])
  expect(await codes({ durability: "replicated" })).toEqual([])
  expect(await codes({ durability: "replicated", replicas: 2 })).toEqual(["TOO_FEW_REPLICAS"])
  await cluster.masters[2]?.command("CONFIG", "SET", "appendfsync", "everysec")
  expect(await codes({ durability: "fsync" })).toEqual(["APPEND_FSYNC"])
  await cluster.replicas[1]?.kill()
  await until(
    async () => !String(await cluster.masters[1]?.command("INFO", "replication")).includes("connected_slaves:1"),
  )
  expect(await codes({ durability: "replicated" })).toEqual(["TOO_FEW_REPLICAS"])
})
