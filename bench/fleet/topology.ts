import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { MessagesOptions } from "@sluice/load/modes/messages"
import { processFigures } from "@sluice/load/process-figures"
import type { PartReport } from "@sluice/load/report"
import { runLoad } from "@sluice/load/run"
import { startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { LaunchedRelay } from "../relay/launch.ts"
import { Meeting } from "./meeting.ts"

/** Pairs of sender and recipient for each process: as many commands share a turn of its event loop however many there are. */
const PAIRS = 32
/** Messages of each pair before it is measured, some 13,000 of each process: code that is not compiled yet costs twice as much. */
const WARM_UP = 400
const SECONDS = 10
const MESSAGES: Omit<MessagesOptions, "server" | "pairs" | "durationMs"> = {
  ...{ version: 20, timeoutMs: 30_000, auth: "x25519", mode: "messages", window: 1, warmUp: WARM_UP },
  ...{ bodyLength: 16_048, count: Number.POSITIVE_INFINITY },
}

/** Some relay processes, where they store, and how much they have to do. */
export interface Topology {
  readonly name: string
  readonly processes: number
  /** Of Redis; absent for the embedded store. */
  readonly durability?: "memory" | "fsync"
  /** Every process is a relay of its own, with its own address and queues, on the same Redis: nothing is coordinated. */
  readonly apart?: boolean
  /** Messages a second for each process; absent: as many as they take. */
  readonly rate?: number
}

/** What one run came to; CPU in seconds for 1,000 messages. */
export interface Result {
  readonly perSecond: number
  readonly relays: number
  readonly redis: number
  readonly client: number
}

/** CPU time of the parts of a topology so far, seconds. */
type Used = { readonly relays: number; readonly redis: number; readonly client: number }

/** Starts the processes, warms them up and measures messages alone: connections and queues are there before and after. */
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
  const { apart, processes } = topology
  // Traffic for the address that all share, or for each of the addresses at the same time.
  const servers = relays.slice(0, apart === true ? processes : 1)
  const used = (): Used => ({
    relays: relays.reduce((sum, { pid }) => sum + processFigures(pid).cpuSeconds, 0),
    redis: redis?.pid === undefined ? 0 : processFigures(redis.pid).cpuSeconds,
    client: ownCpu(),
  })
  const readings: Used[] = []
  const meeting = new Meeting(servers.length, () => readings.push(used()))
  const parts = await Promise.all(servers.map((server) => load(topology, server, processes / servers.length, meeting)))
  const [before, after] = readings
  if (before === undefined || after === undefined) throw new Error("nothing was measured")
  const sum = (of: (part: PartReport) => number): number => parts.reduce((total, part) => total + of(part), 0)
  const thousands = sum(({ count }) => count) / 1000
  return {
    perSecond: sum(({ perSecond }) => perSecond),
    relays: (after.relays - before.relays) / thousands,
    redis: (after.redis - before.redis) / thousands,
    client: (after.client - before.client) / thousands,
  }
}

/** The share of so many processes, at one address; all begin and end together. */
async function load(
  { rate }: Topology,
  { address }: LaunchedRelay,
  processes: number,
  meeting: Meeting,
): Promise<PartReport> {
  const { report } = await runLoad({
    ...MESSAGES,
    server: address,
    pairs: PAIRS * processes,
    durationMs: SECONDS * 1000,
    ...(rate !== undefined && { rate: rate * processes }),
    measuring: { begin: () => meeting.come(), end: () => meeting.come() },
  })
  const [part] = report.parts
  if (part === undefined || Object.keys(part.errors).length > 0) throw new Error(JSON.stringify(part?.errors))
  return part
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
