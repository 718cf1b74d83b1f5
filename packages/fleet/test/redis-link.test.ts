import { setTimeout as delay } from "node:timers/promises"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import type { RedisConfig } from "@sluice/redis/settings"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startCluster } from "../../redis/test/start-cluster.ts"
import { startRedis, type TestRedis } from "../../redis/test/start-redis.ts"
import type { NodeLink } from "../src/node-link.ts"
import { redisLink } from "../src/redis-link.ts"
import { type LinkWorld, linkContract } from "./contract.ts"
import { StoppableClock } from "./stoppable-clock.ts"

const LEASE = 300

/** A server or a Cluster, as the contract needs it. */
interface Deployment extends AsyncDisposable {
  config(changes: Partial<RedisConfig>): RedisConfig
  readonly servers: readonly TestRedis[]
}

for (const [name, open] of [
  ["redis", openOne],
  ["redis cluster", openCluster],
] as const) {
  describe(name, () => {
    let redis: Deployment
    let world = 0
    beforeAll(async () => {
      redis = await open()
    })
    afterAll(() => redis[Symbol.asyncDispose]())
    linkContract(name, () => Promise.resolve(worldOf(redis, `world-${++world}:`)))
  })
}

it("orders go on growing when Redis comes back without the last one", async () => {
  await using redis = await openOne()
  await using world = worldOf(redis, "restarted:")
  const link = world.link("a")
  const ignore = () => undefined
  await link.start({ received: ignore, interrupted: ignore, joined: ignore, ended: ignore, leaseLost: ignore })
  const before = [await link.nextOrder(), await link.nextOrder()]
  for (const server of redis.servers) await server.command("FLUSHALL")
  expect(await link.nextOrder()).toBeGreaterThan(Math.max(...before))
  await link.stop()
})

it("a full Redis still has leases and orders", async () => {
  await using redis = await openOne()
  await using world = worldOf(redis, "full:")
  const link = world.link("a")
  const ignore = () => undefined
  await link.start({ received: ignore, interrupted: ignore, joined: ignore, ended: ignore, leaseLost: ignore })
  for (const server of redis.servers) await server.command("CONFIG", "SET", "maxmemory", 1)
  await delay(2 * LEASE)
  expect(link.holdsLease()).toBe(true)
  expect(await link.nextOrder()).toBeGreaterThan(0)
  await link.stop()
})

async function openOne(): Promise<Deployment> {
  const redis = await startRedis()
  return {
    config: (changes) => redis.config(changes),
    servers: [redis],
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  }
}

async function openCluster(): Promise<Deployment> {
  const cluster = await startCluster({ replicas: 0 })
  return {
    config: (changes) => cluster.config(changes),
    servers: cluster.masters,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

function worldOf(redis: Deployment, prefix: string): LinkWorld {
  const nodes = new Map<string, { readonly connection: RedisConnection; readonly clock: StoppableClock }>()
  return {
    link(node: string): NodeLink {
      const clock = new StoppableClock()
      const connection = openRedis(redis.config({ prefix }), { log: silentLog, clock: systemClock })
      nodes.set(node, { connection, clock })
      const link = redisLink({ redis: connection, lease: LEASE })({ node, clock })
      return {
        ...bound(link),
        start: async (handler) => {
          await connection.ready(5000)
          await link.start(handler)
        },
      }
    },
    async kill(node) {
      const known = nodes.get(node)
      known?.clock.stop()
      await known?.connection.close()
    },
    async interrupt() {
      await Promise.all(redis.servers.map((server) => server.command("CLIENT", "KILL", "TYPE", "pubsub")))
    },
    async stall(node) {
      const clock = nodes.get(node)?.clock
      clock?.stop()
      await delay(2 * LEASE)
      clock?.goOn()
    },
    async [Symbol.asyncDispose]() {
      for (const { connection } of nodes.values()) await connection.close()
    },
  }
}

function bound(link: NodeLink): NodeLink {
  return {
    node: link.node,
    direct: link.direct,
    get others() {
      return link.others
    },
    holdsLease: () => link.holdsLease(),
    start: (handler) => link.start(handler),
    stop: () => link.stop(),
    publish: (node, payload) => link.publish(node, payload),
    broadcast: (payload) => link.broadcast(payload),
    nextOrder: () => link.nextOrder(),
  }
}
