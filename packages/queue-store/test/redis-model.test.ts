import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import { afterAll, beforeAll, describe } from "vitest"
import { haveRedis } from "../../redis/test/redis-program.ts"
import { startCluster, type TestCluster } from "../../redis/test/start-cluster.ts"
import { startRedis, type TestRedis } from "../../redis/test/start-redis.ts"
import { openRedisStore } from "../src/redis/redis-store.ts"
import { behavesAsModel } from "./model/behaviour.ts"

describe.skipIf(!haveRedis)("with a real Redis", () => {
  let server: TestRedis
  let cluster: TestCluster
  const connections: RedisConnection[] = []

  beforeAll(async () => {
    ;[server, cluster] = await Promise.all([startRedis(), startCluster({ masters: 3 })])
  })
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()))
    await Promise.all([server, cluster].map((servers) => servers[Symbol.asyncDispose]()))
  })

  async function storeOn(servers: TestRedis | TestCluster) {
    const connection = openRedis(servers.config(), { log: silentLog, clock: systemClock })
    connections.push(connection)
    await connection.ready(10_000)
    return openRedisStore({ connection })
  }

  behavesAsModel("Redis", () => storeOn(server), { ordersAcrossQueues: false })
  behavesAsModel("Redis Cluster of three", () => storeOn(cluster), { ordersAcrossQueues: false, runs: 20 })
})
