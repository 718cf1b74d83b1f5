import { spawnSync } from "node:child_process"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis } from "@sluice/redis/connection"
import { expect, it } from "vitest"
import { startRedis } from "../../../packages/redis/test/start-redis.ts"
import { redisHashes } from "../src/fleet/shared-hashes.ts"

it.skipIf(spawnSync("redis-server", ["--version"]).status !== 0)("keeps tables of texts in Redis", async () => {
  await using server = await startRedis()
  await using redis = openRedis(server.config(), { log: silentLog, clock: systemClock })
  await redis.ready(5_000)
  const hashes = redisHashes(redis)
  expect(await hashes.all("lines")).toEqual(new Map())
  await hashes.set("lines", "a", "1")
  await hashes.set("lines", "b", "ü")
  await hashes.set("lines", "a", "2")
  expect(await hashes.all("lines")).toEqual(
    new Map([
      ["a", "2"],
      ["b", "ü"],
    ]),
  )
  await hashes.remove("lines", ["a", "c"])
  await hashes.remove("lines", [])
  expect([...(await hashes.all("lines")).keys()]).toEqual(["b"])
  expect(String(await server.command("KEYS", "*"))).toBe("sluice:{statistics}:lines")
})
