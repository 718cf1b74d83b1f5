import { systemClock } from "@sluice/ops/clock"
import { recordingLog } from "@sluice/ops/recording-log"
import type { Schema } from "@sluice/ops/schema"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { haveRedis } from "../../redis/test/redis-program.ts"
import { startRedis, type TestRedis } from "../../redis/test/start-redis.ts"
import type { RedisContext } from "../src/redis/context.ts"
import { prepareRedisSchema } from "../src/redis/redis-schema.ts"
import { openRedisStore } from "../src/redis/redis-store.ts"
import { queue, rid } from "./fixtures.ts"

let redis: TestRedis
let connection: RedisConnection
let stores = 0

beforeAll(async () => {
  if (!haveRedis) return
  redis = await startRedis()
  connection = openRedis(redis.config(), { log: recordingLog(), clock: systemClock })
  await connection.ready(5000)
})
afterAll(async () => {
  if (!haveRedis) return
  await connection.close()
  await redis[Symbol.asyncDispose]()
})

/** A schema of releases to come; steps note that they ran. */
function future(version: number, compatible: boolean, ran: number[] = []): Schema<RedisContext> {
  const steps = Array.from({ length: version - 1 }, (_, i) => ({
    to: i + 2,
    what: "something is elsewhere",
    compatible,
    run: () => void ran.push(i + 2),
  }))
  return { name: "the store in Redis", version, steps }
}

const newPrefix = (): string => `schema${stores++}:`
const prepare = (prefix: string, schema?: Schema<RedisContext>, nodes = 0): Promise<void> =>
  prepareRedisSchema({ connection, prefix, nodes: () => Promise.resolve(nodes), ...(schema && { schema }) })
const recorded = (prefix: string): Promise<unknown> => redis.command("HMGET", `${prefix}schema`, "version", "least")

describe.skipIf(!haveRedis)("the version of the data in Redis", () => {
  it("is recorded when a store begins", async () => {
    const prefix = newPrefix()
    await prepare(prefix)
    expect(await recorded(prefix)).toEqual(["1", "1"])
    await prepare(prefix)
  })

  it("is the first one where there is data without a record", async () => {
    const prefix = newPrefix()
    const store = openRedisStore({ connection, prefix })
    await store.createQueue(queue(1))
    const ran: number[] = []
    await prepare(prefix, future(3, true, ran))
    expect(ran).toEqual([2, 3])
    expect(await store.queueByRecipient(rid(1))).toBeDefined()
    await store.close()
  })

  it("is raised by compatible steps, after which nodes of the release before start as well", async () => {
    const prefix = newPrefix()
    await prepare(prefix)
    await prepare(prefix, future(2, true), 3)
    expect(await recorded(prefix)).toEqual(["2", "1"])
    await prepare(prefix)
    await prepare(prefix, future(2, true), 3)
  })

  it("is raised by other steps only when no node is at work, and then refuses the release before", async () => {
    const prefix = newPrefix()
    await prepare(prefix)
    await expect(prepare(prefix, future(2, false), 2)).rejects.toThrow(
      /schema version 1, this program makes it 2, which the 2 node\(s\) at work could not read: stop them first/,
    )
    expect(await recorded(prefix)).toEqual(["1", "1"])
    await prepare(prefix, future(2, false))
    expect(await recorded(prefix)).toEqual(["2", "2"])
    await expect(prepare(prefix)).rejects.toThrow(/schema version 2, this program knows 1: run the newer program/)
  })

  it("goes on after a step that broke off, which the release before is refused in the middle of", async () => {
    const prefix = newPrefix()
    await prepare(prefix)
    const broken = future(2, false)
    const run = (): never => {
      throw new Error("killed")
    }
    await expect(prepare(prefix, { ...broken, steps: broken.steps.map((s) => ({ ...s, run })) })).rejects.toThrow(
      "killed",
    )
    expect(await recorded(prefix)).toEqual(["1", "2"])
    await expect(prepare(prefix)).rejects.toThrow(/schema version 2, this program knows 1/)
    await prepare(prefix, broken)
    expect(await recorded(prefix)).toEqual(["2", "2"])
  })

  it("is changed by one node at a time", async () => {
    const prefix = newPrefix()
    await prepare(prefix)
    const begun = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const slow = future(2, true)
    const run = async (): Promise<void> => {
      begun.resolve()
      await goOn.promise
    }
    const first = prepare(prefix, { ...slow, steps: slow.steps.map((step) => ({ ...step, run })) })
    await begun.promise
    await expect(prepare(prefix, slow)).rejects.toThrow("another node is changing the data")
    goOn.resolve()
    await first
    await prepare(prefix, slow)
    expect(await redis.command("EXISTS", `${prefix}schema:lock`)).toBe(0)
  })
})
