// Relay processes that share one Redis and one port: `npm run bench:scaling`, about six minutes. Messages per second and CPU
// time for 1,000 messages, of the relays and of Redis, for 1, 2 and 4 processes, beside the embedded store in the same run.
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ServerAddress } from "@sluice/encoding/server-address"
import type { MessagesOptions } from "@sluice/load/modes/messages"
import { processFigures } from "@sluice/load/process-figures"
import { runLoad } from "@sluice/load/run"
import { startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { LaunchedRelay } from "../relay/launch.ts"
import { conditions, median, row } from "../relay/medians.ts"

const ROUNDS = Number(process.argv[2] ?? 3)
const SECONDS = 5
/** Each process sees as much traffic before it is measured: code that is not compiled yet costs twice as much. */
const WARM_UP_SECONDS = 6
const MESSAGES: Omit<MessagesOptions, "server" | "durationMs"> = {
  ...{ version: 20, timeoutMs: 30_000, auth: "x25519", mode: "messages", pairs: 32, window: 1, warmUp: 50 },
  ...{ bodyLength: 16_048, count: Number.POSITIVE_INFINITY },
}
const TOPOLOGIES = [
  { name: "embedded store, 1 process", processes: 1 },
  { name: "Redis (memory), 1 process", processes: 1, durability: "memory" },
  { name: "Redis (memory), 2 processes", processes: 2, durability: "memory" },
  { name: "Redis (memory), 4 processes", processes: 4, durability: "memory" },
  { name: "Redis (fsync), 1 process", processes: 1, durability: "fsync" },
  { name: "Redis (fsync), 4 processes", processes: 4, durability: "fsync" },
] as const
type Topology = (typeof TOPOLOGIES)[number] & { readonly durability?: string }

/** What one run came to; CPU in seconds for 1,000 messages. */
interface Result {
  readonly perSecond: number
  readonly relays: number
  readonly redis: number
  readonly client: number
}

console.log(`${conditions()}\n`)
const found = new Map<string, Result[]>(TOPOLOGIES.map(({ name }) => [name, []]))
for (let round = 1; round <= ROUNDS; round++) {
  for (const topology of TOPOLOGIES) found.get(topology.name)?.push(await run(topology))
  console.error(`round ${round} of ${ROUNDS} done; ${conditions()}`)
}
console.log("| figure | median | rounds |\n|---|---|---|")
for (const [name, results] of found) {
  const of = (pick: (result: Result) => number): number[] => results.map(pick)
  console.log(
    row(
      `${name}: messages per second`,
      of(({ perSecond }) => perSecond),
    ),
  )
  console.log(
    row(
      `${name}: relays, CPU s per 1,000`,
      of(({ relays }) => relays),
    ),
  )
  console.log(
    row(
      `${name}: Redis, CPU s per 1,000`,
      of(({ redis }) => redis),
    ),
  )
  console.log(
    row(
      `${name}: load generator, CPU s per 1,000`,
      of(({ client }) => client),
    ),
  )
}
const embedded = total("embedded store, 1 process")
console.log(
  `\nof the embedded store: ${ratio(total("Redis (memory), 1 process"), embedded)} with one process on Redis (memory),`,
)
console.log(`${ratio(total("Redis (fsync), 1 process"), embedded)} with one on Redis (fsync)`)
const [one, four] = [total("Redis (memory), 1 process"), total("Redis (memory), 4 processes")]
console.log(`four processes need ${ratio(four, one)} of the CPU time that one needs for the same messages`)

function total(name: string): number {
  return median((found.get(name) ?? []).map(({ relays, redis }) => relays + redis))
}

function ratio(a: number, b: number): string {
  return `${(a / b).toFixed(2)} times`
}

async function run({ processes, durability }: Topology): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-scaling-"))
  const redis =
    durability === undefined
      ? undefined
      : await startRedis({ appendonly: true, args: ["--appendfsync", fsync(durability)] })
  const relays: LaunchedRelay[] = []
  try {
    const settings = settingsOf(redis, durability)
    for (let i = 0; i < processes; i++) {
      relays.push(await LaunchedRelay.start({ folder, port: Number(relays[0]?.address.port ?? 0), settings }))
    }
    const [first] = relays
    if (first === undefined) throw new Error("no relay")
    await load(first.address, WARM_UP_SECONDS * processes)
    return await measured(
      first.address,
      relays.map(({ pid }) => pid),
      redis?.pid,
    )
  } finally {
    for (const relay of relays) await relay[Symbol.asyncDispose]()
    await redis?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
}

async function measured(server: ServerAddress, relays: readonly number[], redis: number | undefined): Promise<Result> {
  const cpu = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + processFigures(pid).cpuSeconds, 0)
  const redisPids = redis === undefined ? [] : [redis]
  const before = [cpu(relays), cpu(redisPids)] as const
  const part = await load(server, SECONDS)
  // The warm-up of a run is in the CPU time, so it is in the number of messages, too.
  const thousands = (part.count + MESSAGES.pairs * MESSAGES.warmUp) / 1000
  return {
    perSecond: part.perSecond,
    relays: (cpu(relays) - before[0]) / thousands,
    redis: (cpu(redisPids) - before[1]) / thousands,
    client: part.client.cpuPerThousand,
  }
}

async function load(server: ServerAddress, seconds: number) {
  const { report } = await runLoad({ ...MESSAGES, server, durationMs: seconds * 1000 })
  const [part] = report.parts
  if (part === undefined || Object.keys(part.errors).length > 0) throw new Error(JSON.stringify(part?.errors))
  return part
}

function settingsOf(redis: TestRedis | undefined, durability: string | undefined): Record<string, unknown> {
  if (redis === undefined) return {}
  return {
    ...{ "store.kind": "redis", "redis.nodes": [`127.0.0.1:${redis.port}`], "redis.durability": durability },
    "relay.share_port": true,
  }
}

function fsync(durability: string): "always" | "everysec" {
  return durability === "fsync" ? "always" : "everysec"
}
