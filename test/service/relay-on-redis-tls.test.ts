import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { redisHasTls } from "../../packages/redis/test/redis-program.ts"
import { tlsArgs, writeTlsFiles } from "../../packages/redis/test/redis-tls.ts"
import { freePort, startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { createQueue, OK } from "../support/queue.ts"
import { TestRelay } from "../support/relay.ts"
import { sendTo, take } from "../support/steps.ts"

/** What relays ask of Redis, with a user of its access lists, and no administration. */
const USER = ["relay", "reset", "on", ">right", "~sluice:*", "~{sluice:*", "&sluice:*", "+@all", "-@admin"] as const

describe.skipIf(!redisHasTls())("relays whose Redis has TLS and access lists", () => {
  let folder: string
  let port: number
  let redis: TestRedis
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-relay-tls-"))
    await writeTlsFiles(folder)
    port = await freePort()
    redis = await startRedis({ appendonly: true, args: tlsArgs(folder, port) })
    await redis.command("ACL", "SETUSER", ...USER)
  })
  afterAll(async () => {
    await redis[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const settings = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
    ...{ "redis.nodes": [`localhost:${port}`], "redis.tls": true, "redis.tls_ca": join(folder, "ca.pem") },
    ...{ "redis.username": "relay", "redis.password": "right", "redis.connect_timeout": "400ms" },
    ...changes,
  })

  test("store, channels and periodic work go through it", async () => {
    await using fleet = await TestRelay.start({ nodes: 2, store: "redis", settings: settings() })
    const [r, s] = [await fleet.connectTo(0), await fleet.connectTo(1)]
    const queue = await createQueue(r)
    for (const text of ["1", "2"]) {
      expect(await sendTo(s, queue, text)).toEqual(OK)
      await take(r, queue, text)
    }
    expect(await redis.command("KEYS", "{sluice:jobs}:*")).not.toEqual([])
    expect(await fleet.metrics()).toMatch(/^sluice_job_queue_errors_total 0$/m)
    const codes = fleet.log.entries.flatMap(({ fields }) => ("code" in fields ? [fields.code] : []))
    expect([...new Set(codes)]).toEqual(["NOT_ALLOWED_TO_LOOK"])
  })

  test.each([
    ["redis.tls_ca", () => join(folder, "foreign.pem")],
    ["redis.nodes", () => [`127.0.0.1:${port}`]],
    ["redis.password", () => "wrong"],
  ])("what is wrong with %s is told in a line", async (key, value) => {
    const started = TestRelay.start({ store: "redis", settings: settings({ [key]: value() }) })
    await expect(started).rejects.toThrow(new RegExp(`^${key.replace(".", "\\.")}: [^\\n]+; allowed: [^\\n]+$`))
  })
})
