import type { RedisConnection, RedisNode } from "./connection.ts"
import { type Reply, textOf } from "./redis-command.ts"
import { type RedisErrorCode, toRedisError } from "./redis-error.ts"
import type { Durability } from "./settings.ts"

/** Something about Redis that an operator should change; a fixed sentence each. */
export interface Finding {
  readonly code:
    | "REDIS_TOO_OLD"
    | "APPEND_ONLY_OFF"
    | "APPEND_FSYNC"
    | "TOO_FEW_REPLICAS"
    | "EVICTION"
    | "READ_ONLY"
    | "NOT_ALLOWED_TO_LOOK"
  /** What is wrong and what to do, without values of the deployment. */
  readonly advice: string
}

const ADVICE: Readonly<Record<Finding["code"], string>> = {
  REDIS_TOO_OLD: "Redis is older than version 7: upgrade it; scripts and Cluster commands of version 7 are used",
  APPEND_ONLY_OFF:
    "the durability asked for needs Redis' append-only file: set appendonly yes, or redis.durability memory to accept that a restart of Redis loses messages",
  APPEND_FSYNC:
    "Redis does not wait for its disk: set appendfsync always, or redis.durability memory to accept that a failing machine loses the last second",
  TOO_FEW_REPLICAS:
    "fewer replicas are connected than redis.replicas asks to confirm: every change will be answered as failed until there are enough",
  EVICTION: "Redis may drop keys when its memory is full: set maxmemory-policy noeviction",
  READ_ONLY: "this Redis is a replica: name its primary, or the Sentinels, in redis.nodes",
  NOT_ALLOWED_TO_LOOK:
    "Redis does not tell its configuration to this user: allow INFO and CONFIG GET, or check appendonly, appendfsync and maxmemory-policy yourself",
}

/** Answers of a server that is there and does not tell: the user may not ask, or there is no such command. */
const REFUSED: ReadonlySet<RedisErrorCode> = new Set(["REDIS_DENIED", "REDIS_FAILED"])

/** The oldest version that the scripts and commands of Sluice work with. */
const OLDEST = 700

/**
 * Compares what Redis says about itself with what was asked of it, on all its primaries. An empty list means that it can
 * do it. Rejects with `RedisError` only when Redis is away.
 */
export async function checkDurability(redis: Pick<RedisConnection, "nodes" | "config">): Promise<readonly Finding[]> {
  const codes = await Promise.all(redis.nodes().map((node) => checkNode(node, redis.config)))
  return [...new Set(codes.flat())].map((code) => ({ code, advice: ADVICE[code] }))
}

/** The answers of one server that matter. */
interface NodeFacts {
  readonly info: ReadonlyMap<string, string>
  readonly settings: ReadonlyMap<string, string>
}

async function checkNode(
  node: RedisNode,
  wanted: { readonly durability: Durability; readonly replicas: number },
): Promise<Finding["code"][]> {
  const facts = await ask(node)
  return facts === undefined ? ["NOT_ALLOWED_TO_LOOK"] : judge(facts, wanted)
}

function judge(
  { info, settings }: NodeFacts,
  { durability, replicas }: { readonly durability: Durability; readonly replicas: number },
): Finding["code"][] {
  const codes: Finding["code"][] = []
  const [major = 0, minor = 0] = (info.get("redis_version") ?? "").split(".").map(Number)
  if (major * 100 + minor < OLDEST) codes.push("REDIS_TOO_OLD")
  if (info.get("role") === "slave") codes.push("READ_ONLY")
  const policy = settings.get("maxmemory-policy")
  if (policy !== undefined && policy !== "noeviction" && settings.get("maxmemory") !== "0") codes.push("EVICTION")
  if (durability === "memory") return codes
  if (settings.get("appendonly") === "no") codes.push("APPEND_ONLY_OFF")
  // From 7.2 on the disk is waited for whatever this says.
  else if (durability === "fsync" && major * 100 + minor < 702 && settings.get("appendfsync") !== "always") {
    codes.push("APPEND_FSYNC")
  }
  if (durability === "replicated" && Number(info.get("connected_slaves") ?? 0) < replicas)
    codes.push("TOO_FEW_REPLICAS")
  return codes
}

async function ask(node: RedisNode): Promise<NodeFacts | undefined> {
  const names = ["appendonly", "appendfsync", "maxmemory-policy", "maxmemory"]
  const [server, replication, settings] = await Promise.allSettled([
    node.command(["INFO", "server"]),
    node.command(["INFO", "replication"]),
    node.command(["CONFIG", "GET", ...names]),
  ])
  if (server.status === "rejected" || replication.status === "rejected" || settings.status === "rejected") {
    for (const answer of [server, replication, settings]) {
      if (answer.status === "rejected" && !REFUSED.has(toRedisError(answer.reason).code)) throw answer.reason
    }
    return undefined
  }
  return {
    info: new Map([...lines(server.value), ...lines(replication.value)]),
    settings: pairs(settings.value as readonly Reply[]),
  }
}

function lines(reply: Reply): [string, string][] {
  return textOf(reply)
    .split("\r\n")
    .flatMap((line) => {
      const at = line.indexOf(":")
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] satisfies [string, string]] : []
    })
}

function pairs(replies: readonly Reply[]): Map<string, string> {
  const found = new Map<string, string>()
  for (let i = 0; i + 1 < replies.length; i += 2) found.set(textOf(replies[i]), textOf(replies[i + 1]))
  return found
}
