import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import { afterAll, beforeAll, describe } from "vitest"
import { haveRedis } from "../../redis/test/redis-program.ts"
import { startCluster, type TestCluster } from "../../redis/test/start-cluster.ts"
import { openRedisStore } from "../src/redis/redis-store.ts"
import { blobStoreContract } from "./contract/blobs.ts"

// On a Cluster, where a script that needs two slots fails.
describe.skipIf(!haveRedis)("with a real Redis", () => {
  let cluster: TestCluster
  let connection: RedisConnection
  let stores = 0

  beforeAll(async () => {
    cluster = await startCluster({ masters: 3 })
    connection = openRedis(cluster.config(), { log: silentLog, clock: systemClock })
    await connection.ready(10_000)
  })
  afterAll(async () => {
    await connection.close()
    await cluster[Symbol.asyncDispose]()
  })

  blobStoreContract("Redis Cluster of three", async () => openRedisStore({ connection, prefix: `${stores++}:` }))
})
