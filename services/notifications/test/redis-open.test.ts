import { nativeCrypto as crypto } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import { systemClock as clock } from "@sluice/ops/clock"
import { OperatorError } from "@sluice/ops/operator-error"
import { recordingLog } from "@sluice/ops/recording-log"
import { Secret } from "@sluice/ops/secret"
import type { RedisConfig } from "@sluice/redis/settings"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { haveRedis } from "../../../packages/redis/test/redis-program.ts"
import { freePort, startRedis, type TestRedis } from "../../../packages/redis/test/start-redis.ts"
import { openSharedStore } from "../src/fleet/shared-store.ts"
import type { RemovedTokens } from "../src/store/ntf-store.ts"
import { bucketOf, NtfKeys } from "../src/store/redis/keys.ts"
import { newToken } from "./store-contract/samples.ts"

const OTHER_DEVICE = { provider: "AT", token: utf8("other") } as const

describe.skipIf(!haveRedis)("opening the store in Redis", () => {
  let redis: TestRedis

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis[Symbol.asyncDispose]())

  const open = (config: RedisConfig, log = recordingLog()) =>
    openSharedStore(config, 1000, { crypto, clock, log, folder: "." })
  const refusal = (config: RedisConfig): Promise<unknown> =>
    open(config).then(
      () => undefined,
      (error: unknown) => error,
    )

  it("keeps its keys behind a prefix of its own, beside those of relays", async () => {
    const { store } = await open(redis.config({ prefix: "beside:" }))
    await store.check()
    await store.close()
    expect((await redis.command("KEYS", "beside:*")) as string[]).toEqual(
      expect.arrayContaining(["beside:ntf:schema", "beside:ntf:check"]),
    )
    expect(await redis.command("KEYS", "beside:[^n]*")).toEqual([])
  })

  it("is refused in one line for data of a later version", async () => {
    await redis.command("SET", "later:ntf:schema", "2")
    const error = await refusal(redis.config({ prefix: "later:" }))
    expect(error).toBeInstanceOf(OperatorError)
    expect(String(error)).toMatch(/redis\.prefix: .* schema version 2, this program knows 1: run the newer program/)
  })

  it("is refused in one line where no Redis is, and for a wrong password", async () => {
    const nobody = [{ host: "127.0.0.1", port: await freePort() }]
    const away = await refusal(redis.config({ nodes: nobody, connectTimeout: 200 }))
    expect(away).toBeInstanceOf(OperatorError)
    expect(String(away)).toMatch(/redis\.nodes: /)
    const denied = await refusal(redis.config({ username: "nobody", password: new Secret("x"), connectTimeout: 500 }))
    expect(denied).toBeInstanceOf(OperatorError)
    expect(String(denied)).toMatch(/redis\.password: /)
  })

  it("works on a Redis that is full, and removes what was never verified", async () => {
    const config = redis.config({ prefix: "full:" })
    const before = await open(config)
    const [old, seen] = [newToken({ seenDay: 100 }), newToken({ seenDay: 100, device: OTHER_DEVICE })]
    for (const token of [old, seen]) expect(await before.store.createToken(token)).toBe("created")
    await before.store.touchToken(seen.tokenId, 110)
    await before.store.close()
    await redis.command("CONFIG", "SET", "maxmemory", 1)
    try {
      const { store } = await open(config)
      await expect(store.createToken(newToken())).rejects.toThrow()
      let step: RemovedTokens = { removed: 0 }
      let removed = 0
      do {
        step = await store.removeUnverified(110, { after: step.next, limit: 2 })
        removed += step.removed
      } while (step.next !== undefined)
      expect(removed).toBe(1)
      expect(await store.token(old.tokenId)).toBeUndefined()
      // Listed under the day on which it was seen last.
      expect(
        await redis.command("ZRANGEBYSCORE", new NtfKeys("full:ntf:").unverified(bucketOf(seen.tokenId)), 110, 110),
      ).toHaveLength(1)
      await store.close()
    } finally {
      await redis.command("CONFIG", "SET", "maxmemory", 0)
    }
  })

  it("says what Redis is not set up for", async () => {
    const log = recordingLog()
    const { store } = await open(redis.config({ durability: "fsync", prefix: "warned:" }), log)
    await store.close()
    expect(log.entries.filter(({ level }) => level === "warn").length).toBeGreaterThan(0)
  })
})
