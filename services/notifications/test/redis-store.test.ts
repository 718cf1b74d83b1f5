import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import { afterAll, beforeAll, describe } from "vitest"
import { haveRedis } from "../../../packages/redis/test/redis-program.ts"
import { startCluster, type TestCluster } from "../../../packages/redis/test/start-cluster.ts"
import { startRedis, type TestRedis } from "../../../packages/redis/test/start-redis.ts"
import { openRedisNtfStore } from "../src/store/redis/redis-ntf-store.ts"
import { ntfStoreContract } from "./store-contract.ts"

describe.skipIf(!haveRedis)("with a real Redis", () => {
  const parts = { log: silentLog, clock: systemClock }
  let server: TestRedis
  let cluster: TestCluster
  const connections: RedisConnection[] = []
  let stores = 0

  beforeAll(async () => {
    ;[server, cluster] = await Promise.all([startRedis(), startCluster({ masters: 3 })])
    for (const config of [server.config(), cluster.config()]) connections.push(openRedis(config, parts))
    await Promise.all(connections.map((connection) => connection.ready(10_000)))
  })
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()))
    await Promise.all([server, cluster].map((servers) => servers[Symbol.asyncDispose]()))
  })

  // A prefix of its own makes each store an empty one.
  const store = (connection: RedisConnection | undefined) => {
    if (connection === undefined) throw new Error("not connected")
    return openRedisNtfStore({ connection, node: "one", prefix: `${stores++}:` })
  }

  describe("standalone", () => ntfStoreContract(async () => store(connections[0])))
  describe("as a Cluster of three", () => ntfStoreContract(async () => store(connections[1])))
})
