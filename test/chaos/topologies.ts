import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { openSocketHub } from "@sluice/fleet/socket-hub"
import { systemClock } from "@sluice/ops/clock"
import { startCluster } from "../../packages/redis/test/start-cluster.ts"
import { startRedis } from "../../packages/redis/test/start-redis.ts"
import { CuttableProxy } from "./cuttable-proxy.ts"
import { Detours } from "./detours.ts"
import { Fleet, type FleetOptions } from "./fleet.ts"

/** What may happen to a fleet. */
export interface Fault {
  readonly name: string
  /** Lets it happen to one of the nodes, and resolves when that is over. */
  run(node: number): Promise<void>
}

/** A fleet with what it needs, and what may happen to it. */
export interface Topology extends AsyncDisposable {
  readonly fleet: Fleet
  readonly faults: readonly Fault[]
}

export type TopologyName = "workers" | "redis" | "cluster"

/** Nodes in every topology. */
const NODES = 3
/** Leases are shorter than usual, so that a pause beyond them fits into a short run, ms. */
const LEASE = 2_000
const PAUSE = 3_500
/** How long connections are cut, ms. */
const CUT = 1_500

type Start = (folder: string, options?: Pick<FleetOptions, "ownPorts">) => Promise<Topology>

export const TOPOLOGIES: Readonly<Record<TopologyName, Start>> = {
  /** Processes on one embedded store. */
  async workers(folder, options) {
    const path = join(folder, "workers.sock")
    const hub = await openSocketHub({ path, lease: LEASE }, { clock: systemClock })
    const fleet = await Fleet.start({
      ...{ ...options, nodes: NODES, dataFolder: folder, lease: LEASE },
      ...{ hub: path, settings: () => ({}) },
    })
    return {
      fleet,
      faults: nodeFaults(fleet),
      async [Symbol.asyncDispose]() {
        await fleet[Symbol.asyncDispose]()
        await hub.close()
      },
    }
  },

  /** Nodes on one Redis that writes every change to its disk, each through a proxy of its own. */
  async redis(folder, options) {
    const redis = await startRedis({ appendonly: true })
    const proxies = await Promise.all(Array.from({ length: NODES }, () => CuttableProxy.to(redis.port)))
    const fleet = await Fleet.start({
      ...{ ...options, nodes: NODES, dataFolder: folder, lease: LEASE },
      settings: (index) => ({
        "store.kind": "redis",
        "redis.nodes": [`127.0.0.1:${proxies[index]?.port}`],
        "redis.durability": "fsync",
      }),
    })
    return {
      fleet,
      faults: [
        ...nodeFaults(fleet),
        {
          name: "restart Redis",
          run: async () => {
            await redis.kill()
            await redis.start()
          },
        },
        {
          name: "keep Redis away for longer than the leases",
          run: async () => {
            await redis.kill()
            await wait(PAUSE)
            await redis.start()
          },
        },
        {
          name: "cut the connection of a node to Redis",
          run: async (node) => {
            proxies[node]?.cut()
            await wait(CUT)
            proxies[node]?.mend()
          },
        },
      ],
      async [Symbol.asyncDispose]() {
        await fleet[Symbol.asyncDispose]()
        await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()))
        await redis[Symbol.asyncDispose]()
      },
    }
  },

  /** Nodes on a Redis Cluster of three masters with a replica each, each node through proxies of its own. */
  async cluster(folder, options) {
    const cluster = await startCluster({ replicas: 1, appendonly: true })
    const servers = [...cluster.masters, ...cluster.replicas]
    const ports = servers.map(({ port }) => port)
    const detours = await Promise.all(Array.from({ length: NODES }, () => Detours.to(ports)))
    const fleet = await Fleet.start({
      ...{ ...options, nodes: NODES, dataFolder: folder, lease: LEASE },
      settings: (index) => ({
        "store.kind": "redis",
        "redis.kind": "cluster",
        "redis.nodes": detours[index]?.nodes ?? [],
        "redis.nat_map": detours[index]?.natMap ?? [],
        "redis.durability": "replicated",
      }),
    })
    let next = 0
    let nextCut = 0
    return {
      fleet,
      faults: [
        ...nodeFaults(fleet),
        {
          name: "cut the connections of a node to Redis",
          run: async (node) => {
            detours[node]?.cut()
            await wait(CUT)
            detours[node]?.mend()
          },
        },
        {
          // The node then has the others, and perhaps its channels.
          name: "cut a node from one Redis of the Cluster",
          run: async (node) => {
            const server = nextCut++ % servers.length
            detours[node]?.cut(server)
            await wait(CUT)
            detours[node]?.mend(server)
          },
        },
        {
          // One of them after the other: a master fails over to its replica, which is then the one to fail.
          name: "restart a Redis of the Cluster",
          run: async () => {
            const server = servers[next++ % servers.length]
            await server?.kill()
            await wait(3_000)
            await server?.start()
            await cluster.settled()
          },
        },
      ],
      async [Symbol.asyncDispose]() {
        await fleet[Symbol.asyncDispose]()
        await Promise.all(detours.map((detour) => detour[Symbol.asyncDispose]()))
        await cluster[Symbol.asyncDispose]()
      },
    }
  },
}

function nodeFaults(fleet: Fleet): Fault[] {
  return [
    {
      name: "kill a node",
      run: async (node) => {
        await fleet.kill(node)
        await fleet.start(node)
      },
    },
    {
      name: "pause a node beyond its lease",
      run: async (node) => {
        fleet.pause(node)
        await wait(PAUSE)
        fleet.resume(node)
      },
    },
  ]
}
