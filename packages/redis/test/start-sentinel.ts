import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defaultRedis, type RedisConfig } from "../src/settings.ts"
import { until } from "./start-cluster.ts"
import { startRedis, type TestRedis } from "./start-redis.ts"

/** A primary and a replica that one Sentinel watches. */
export interface TestSentinel extends AsyncDisposable {
  readonly primary: TestRedis
  readonly replica: TestRedis
  readonly sentinel: TestRedis
  /** Port of the server that the Sentinel names as the primary. */
  primaryPort(): Promise<number>
  config(changes?: Partial<RedisConfig>): RedisConfig
}

const NAME = "test"

/** Starts the three of them; the Sentinel takes the replica in place of a primary that is away for half a second. */
export async function startSentinel(options: { readonly appendonly?: boolean } = {}): Promise<TestSentinel> {
  const { appendonly = false } = options
  const primary = await startRedis({ appendonly, args: ["--repl-diskless-sync-delay", "0"] })
  const replica = await startRedis({
    appendonly,
    args: ["--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1", `${primary.port}`],
  })
  const folder = await mkdtemp(join(tmpdir(), "sluice-sentinel-"))
  const file = join(folder, "sentinel.conf")
  await writeFile(
    file,
    [
      `sentinel monitor ${NAME} 127.0.0.1 ${primary.port} 1`,
      `sentinel down-after-milliseconds ${NAME} 500`,
      `sentinel failover-timeout ${NAME} 2000`,
    ].join("\n"),
  )
  const sentinel = await startRedis({ sentinelFile: file, folder })
  await until(async () => String(await replica.command("INFO", "replication")).includes("master_link_status:up"))
  await until(async () => {
    const replicas = await sentinel.command("SENTINEL", "REPLICAS", NAME)
    return Array.isArray(replicas) && replicas.length === 1
  })
  return {
    primary,
    replica,
    sentinel,
    primaryPort: async () => {
      const address = await sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
      return Array.isArray(address) ? Number(address[1]) : 0
    },
    config: (changes = {}) => ({
      ...defaultRedis,
      kind: "sentinel",
      sentinelName: NAME,
      durability: "memory",
      nodes: [{ host: "127.0.0.1", port: sentinel.port }],
      ...changes,
    }),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([sentinel, primary, replica].map((server) => server[Symbol.asyncDispose]()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
