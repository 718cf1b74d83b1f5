import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ServerAddress } from "@sluice/encoding/server-address"
import type { MessagesOptions } from "@sluice/load/modes/messages"
import { processFigures } from "@sluice/load/process-figures"
import type { PartReport } from "@sluice/load/report"
import { runLoad } from "@sluice/load/run"
import { startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { LaunchedRelay } from "../relay/launch.ts"

/** Pairs of sender and recipient for each process: as many commands share a turn of its event loop however many there are. */
const PAIRS = 32
const WARM_UP = 50
const SECONDS = 5
/** Each process sees as much traffic before it is measured: code that is not compiled yet costs twice as much. */
const WARM_UP_SECONDS = 6
const MESSAGES: Omit<MessagesOptions, "server" | "pairs" | "durationMs"> = {
  ...{ version: 20, timeoutMs: 30_000, auth: "x25519", mode: "messages", window: 1, warmUp: WARM_UP },
  ...{ bodyLength: 16_048, count: Number.POSITIVE_INFINITY },
}

/** Some relay processes and where they store. */
export interface Topology {
  readonly name: string
  readonly processes: number
  /** Of Redis; absent for the embedded store. */
  readonly durability?: "memory" | "fsync"
  /** Every process is a relay of its own, with its own address and queues, on the same Redis: nothing is coordinated. */
  readonly apart?: boolean
}

/** What one run came to; CPU in seconds for 1,000 messages. */
export interface Result {
  readonly perSecond: number
  readonly relays: number
  readonly redis: number
  readonly client: number
}

/** Starts the processes, warms them up and measures them. */
export async function runTopology(topology: Topology): Promise<Result> {
  const { processes, durability } = topology
  const redis =
    durability === undefined
      ? undefined
      : await startRedis({ appendonly: true, args: ["--appendfsync", durability === "fsync" ? "always" : "everysec"] })
  const folder = await mkdtemp(join(tmpdir(), "sluice-scaling-"))
  const relays: LaunchedRelay[] = []
  try {
    for (let i = 0; i < processes; i++) relays.push(await start(topology, redis, folder, relays))
    await load(topology, relays, WARM_UP_SECONDS * processes)
    return await measured(topology, relays, redis)
  } finally {
    for (const relay of relays) await relay[Symbol.asyncDispose]()
    await redis?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
}

function start(
  { apart, durability }: Topology,
  redis: TestRedis | undefined,
  folder: string,
  others: readonly LaunchedRelay[],
): Promise<LaunchedRelay> {
  if (redis === undefined) return LaunchedRelay.start()
  const settings = {
    ...{ "store.kind": "redis", "redis.nodes": [`127.0.0.1:${redis.port}`], "redis.durability": durability },
  }
  if (apart === true) return LaunchedRelay.start({ settings: { ...settings, "redis.prefix": `relay${others.length}` } })
  const port = Number(others[0]?.address.port ?? 0)
  return LaunchedRelay.start({ folder, port, settings: { ...settings, "relay.share_port": true } })
}

async function measured(
  topology: Topology,
  relays: readonly LaunchedRelay[],
  redis: TestRedis | undefined,
): Promise<Result> {
  const cpuOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + processFigures(pid).cpuSeconds, 0)
  const relayPids = relays.map(({ pid }) => pid)
  const redisPids = redis?.pid === undefined ? [] : [redis.pid]
  const before = [cpuOf(relayPids), cpuOf(redisPids), ownCpu()] as const
  const parts = await load(topology, relays, SECONDS)
  const sum = (of: (part: PartReport) => number): number => parts.reduce((total, part) => total + of(part), 0)
  // The warm-up of a run is in the CPU time, so it is in the number of messages, too.
  const thousands = (sum(({ count }) => count) + PAIRS * topology.processes * WARM_UP) / 1000
  return {
    perSecond: sum(({ perSecond }) => perSecond),
    relays: (cpuOf(relayPids) - before[0]) / thousands,
    redis: (cpuOf(redisPids) - before[1]) / thousands,
    client: (ownCpu() - before[2]) / thousands,
  }
}

/** Traffic for the address that all share, or for each of the addresses at the same time. */
function load(
  { apart, processes }: Topology,
  relays: readonly LaunchedRelay[],
  seconds: number,
): Promise<PartReport[]> {
  const servers = relays.slice(0, apart === true ? processes : 1)
  const pairs = (PAIRS * processes) / servers.length
  return Promise.all(servers.map(({ address }) => loadOne(address, pairs, seconds)))
}

async function loadOne(server: ServerAddress, pairs: number, seconds: number): Promise<PartReport> {
  const { report } = await runLoad({ ...MESSAGES, server, pairs, durationMs: seconds * 1000 })
  const [part] = report.parts
  if (part === undefined || Object.keys(part.errors).length > 0) throw new Error(JSON.stringify(part?.errors))
  return part
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
