import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openSocketHub } from "@sluice/fleet/socket-hub"
import { systemClock } from "@sluice/ops/clock"
import { OperatorError } from "@sluice/ops/operator-error"
import type { Place, Settings } from "../place.ts"
import { LocalRedis } from "./local-redis.ts"
import type { MemberSpec } from "./member-messages.ts"

/** What relay processes share besides the port: a store, and a way to reach each other. */
export type GroundKind = "workers" | "cluster"

/** The same, made for the time of a fleet. */
export interface CommonGround {
  readonly hub?: string
  readonly overrides: MemberSpec["overrides"]
  /** Of a Redis that was started for the fleet. */
  readonly redisPasswordFile?: string
  close(): Promise<void>
}

/** Name of the socket over which processes on an embedded store tell each other what happens. */
const HUB = "workers.sock"
/** Bytes that a Unix socket's path may have, on all systems. */
const LONGEST_SOCKET_PATH = 103

/** Throws `OperatorError` where settings contradict it. Does nothing yet. */
export function checkGround(kind: GroundKind, { config, given }: Settings): void {
  if (kind === "workers" && config.store.kind !== "lmdb") {
    throw new OperatorError(
      `--workers needs a store that processes can share: store.kind is ${config.store.kind}; allowed: lmdb`,
    )
  }
  if (kind === "cluster" && given.has("store.kind") && config.store.kind !== "redis") {
    throw new OperatorError(`--cluster needs the store in Redis: store.kind is ${config.store.kind}; allowed: redis`)
  }
}

/** Opens what is shared. */
export async function openGround(kind: GroundKind, place: Place, settings: Settings): Promise<CommonGround> {
  return kind === "workers" ? embeddedGround(place, settings) : redisGround(place, settings)
}

async function embeddedGround(place: Place, { config }: Settings): Promise<CommonGround> {
  const path = await hubPath(place)
  const hub = await openSocketHub({ path, lease: config.fleet.lease }, { clock: systemClock })
  return { hub: path, overrides: {}, close: () => hub.close() }
}

/** The Redis of the settings, or one that is started where there are none about it. */
async function redisGround({ dataFolder }: Place, { given }: Settings): Promise<CommonGround> {
  if ([...given.keys()].some((key) => key.startsWith("redis."))) {
    return { overrides: { "store.kind": "redis" }, close: () => Promise.resolve() }
  }
  const redis = await LocalRedis.start(join(dataFolder, "redis"))
  return {
    overrides: { "store.kind": "redis", "redis.nodes": [`127.0.0.1:${redis.port}`] },
    redisPasswordFile: redis.passwordFile,
    close: () => redis.stop(),
  }
}

/** Where the processes meet: in the data folder, unless its path is too long for a socket. */
async function hubPath({ dataFolder }: Place): Promise<string> {
  const path = join(dataFolder, HUB)
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return path
  return join(await mkdtemp(join(tmpdir(), "sluice-")), HUB)
}
