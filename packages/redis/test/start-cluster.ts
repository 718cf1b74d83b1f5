import { setTimeout as delay } from "node:timers/promises"
import { defaultRedis, type RedisConfig } from "../src/settings.ts"
import { startRedis, type TestRedis } from "./start-redis.ts"

/** A real Redis Cluster of a test. */
export interface TestCluster extends AsyncDisposable {
  readonly masters: readonly TestRedis[]
  /** The replica of the master at the same place; none with `replicas: 0`. */
  readonly replicas: readonly TestRedis[]
  config(changes?: Partial<RedisConfig>): RedisConfig
  /** Resolves when all nodes say that all slots are served. */
  settled(): Promise<void>
}

export interface TestClusterOptions {
  readonly masters?: number
  readonly replicas?: 0 | 1
  readonly appendonly?: boolean
  /** After which silence a node counts as failed, milliseconds. */
  readonly nodeTimeout?: number
}

const SLOTS = 16_384

/** Starts servers and makes them one Cluster; 0.5 to 2 s. */
export async function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { masters: count = 3, replicas: copies = 0, appendonly = false, nodeTimeout = 1_000 } = options
  const args = [
    ...["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"],
    ...["--cluster-node-timeout", `${nodeTimeout}`, "--cluster-replica-validity-factor", "0"],
    ...["--repl-diskless-sync-delay", "0"],
  ]
  const nodes = await Promise.all(Array.from({ length: count * (1 + copies) }, () => startRedis({ args, appendonly })))
  const masters = nodes.slice(0, count)
  const replicas = nodes.slice(count)
  const cluster = new Nodes(masters, replicas)
  await Promise.all(
    masters.map(async (node, i) => {
      await node.command("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
      await node.command(
        "CLUSTER",
        "ADDSLOTSRANGE",
        Math.floor((i * SLOTS) / count),
        Math.floor(((i + 1) * SLOTS) / count) - 1,
      )
    }),
  )
  const [first, ...others] = nodes
  await Promise.all(others.map((node) => first?.command("CLUSTER", "MEET", "127.0.0.1", node.port)))
  await until(async () => {
    const known = await Promise.all(nodes.map((node) => clusterInfo(node, "cluster_known_nodes")))
    return known.every((n) => n === String(nodes.length))
  })
  await Promise.all(
    replicas.map(async (replica, i) => {
      const id = String(await masters[i]?.command("CLUSTER", "MYID"))
      await until(async () => {
        // Refused as long as the replica has not heard of its master.
        return (await replica.command("CLUSTER", "REPLICATE", id).catch(() => undefined)) !== undefined
      })
    }),
  )
  await cluster.settled()
  return cluster
}

class Nodes implements TestCluster {
  readonly masters: readonly TestRedis[]
  readonly replicas: readonly TestRedis[]

  constructor(masters: readonly TestRedis[], replicas: readonly TestRedis[]) {
    this.masters = masters
    this.replicas = replicas
  }

  config(changes: Partial<RedisConfig> = {}): RedisConfig {
    const nodes = this.masters.map(({ port }) => ({ host: "127.0.0.1", port }))
    return { ...defaultRedis, kind: "cluster", durability: "memory", nodes, ...changes }
  }

  async settled(): Promise<void> {
    const running = [...this.masters, ...this.replicas].filter(({ pid }) => pid !== undefined)
    await until(async () => {
      const states = await Promise.all(running.map((node) => clusterInfo(node, "cluster_state").catch(() => "")))
      if (!states.every((state) => state === "ok")) return false
      const links = await Promise.all(running.map(async (node) => String(await node.command("INFO", "replication"))))
      return links.every((info) => !info.includes("master_link_status:down"))
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.masters, ...this.replicas].map((node) => node[Symbol.asyncDispose]()))
  }
}

async function clusterInfo(node: TestRedis, name: string): Promise<string | undefined> {
  const info = String(await node.command("CLUSTER", "INFO"))
  return new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1]
}

/** Asks again until the answer is yes; gives up after 20 s. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error("waited in vain")
    await delay(10)
  }
}
