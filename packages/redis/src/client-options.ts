import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { OperatorError } from "@sluice/ops/operator-error"
import { Cluster, type ClusterOptions, type NatMap, Redis, type RedisOptions } from "ioredis"
import type { RedisAddress, RedisConfig } from "./settings.ts"
import { SteadyConnector, SteadySentinelConnector } from "./steady-connectors.ts"

/** Longest wait between two attempts to connect, in milliseconds. */
const LONGEST_WAIT = 2_000
/** How often the nodes of a Cluster are asked which of them has which slots, in milliseconds. */
const SLOTS_INTERVAL = 2_000
/** Time for the other end to close a connection that is left; one that hangs does not, in milliseconds. */
const DISCONNECT_TIME = 500

/** Options that say in which form answers come, which the types of ioredis need. */
type ClientOptions = RedisOptions & { replyMapping: "legacy" }

/** What client options are made from beside the configuration. */
export interface ClientParts {
  /** A number from 0 up to 1; spreads the attempts of many nodes. */
  readonly random: () => number
  /** Folder that `tlsCa` is relative to. */
  readonly folder?: string | undefined
}

/**
 * Milliseconds before the `attempt`-th (from 1) try to connect again: doubling from 50 ms to 2 s, each varied by up to a
 * half, so that the nodes of a fleet do not come back all at once.
 */
export function backOff(attempt: number, random: () => number): number {
  const base = Math.min(50 * 2 ** Math.min(attempt - 1, 10), LONGEST_WAIT)
  return Math.round(base * (0.5 + random() / 2))
}

/**
 * Options of one connection of ioredis, without an address. Nothing is queued while there is no connection and nothing is
 * sent twice: what was under way when it broke is rejected, because it may have been done.
 */
function connectionOptions(config: RedisConfig, parts: ClientParts): ClientOptions {
  const { username, password, connectTimeout, commandTimeout, durability, durabilityTimeout } = config
  return {
    replyMapping: "legacy",
    lazyConnect: true,
    connectTimeout,
    // An answer that replicas are waited for may be silent for that time as well.
    socketTimeout: commandTimeout + (durability === "memory" ? 0 : durabilityTimeout),
    disconnectTimeout: DISCONNECT_TIME,
    keepAlive: 10_000,
    Connector: SteadyConnector,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => backOff(attempt, parts.random),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: password.reveal() }),
    ...(config.tls && { tls: tlsOptions(config, parts) }),
  }
}

/** Options for the primary that Sentinels name. */
function sentinelOptions(config: RedisConfig, parts: ClientParts): ClientOptions {
  const { sentinelPassword, commandTimeout } = config
  return {
    ...connectionOptions(config, parts),
    sentinels: config.nodes.map(({ host, port }) => ({ host, port })),
    natMap: natMap(config),
    name: config.sentinelName,
    role: "master",
    Connector: SteadySentinelConnector,
    sentinelCommandTimeout: commandTimeout,
    sentinelRetryStrategy: (attempt) => backOff(attempt, parts.random),
    // A primary that became a replica answers so: then the Sentinels know another one.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    ...(sentinelPassword !== undefined && { sentinelPassword: sentinelPassword.reveal() }),
    ...(config.tls && { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(config, parts) }),
  }
}

/** Options of a client for a whole Cluster. */
function clusterOptions(config: RedisConfig, parts: ClientParts): ClusterOptions & { redisOptions: ClientOptions } {
  const { retryStrategy: _retry, enableOfflineQueue: _queue, ...redisOptions } = connectionOptions(config, parts)
  const wait = (attempt: number): number => backOff(attempt, parts.random)
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: wait,
    clusterNodeRetryStrategy: wait,
    // Only answers that mean "not done here" are followed; what may have been done is not sent again.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshInterval: SLOTS_INTERVAL,
    slotsRefreshTimeout: config.connectTimeout,
    natMap: natMap(config),
    redisOptions,
    // With TLS the names in certificates are those of the configuration, not those that a resolver gives.
    ...(config.tls && { dnsLookup: (host, callback) => callback(null, host) }),
  }
}

/** The client of a connection; it does not connect before it is told to. */
export function createClient(config: RedisConfig, parts: ClientParts): Redis | Cluster {
  switch (config.kind) {
    case "standalone":
      return new Redis({ ...connectionOptions(config, parts), ...firstNode(config) })
    case "sentinel":
      return new Redis(sentinelOptions(config, parts))
    case "cluster":
      return new Cluster([...config.nodes], clusterOptions(config, parts))
    default:
      return config.kind satisfies never
  }
}

/** A client for libraries that block in commands and expect theirs to be queued while there is no connection. */
export function createPatientClient(config: RedisConfig, parts: ClientParts): Redis | Cluster {
  // Without sending again, a command under way would wait for ever when its connection is lost: it has no limit of tries.
  const patient = { maxRetriesPerRequest: null, autoResendUnfulfilledCommands: true } as const
  if (config.kind === "cluster") {
    const { redisOptions, ...options } = clusterOptions(config, parts)
    const { socketTimeout: _silence, ...rest } = redisOptions
    return new Cluster([...config.nodes], {
      ...options,
      lazyConnect: false,
      enableOfflineQueue: true,
      redisOptions: { ...rest, ...patient },
    })
  }
  const { socketTimeout: _silence, ...options } =
    config.kind === "sentinel" ? sentinelOptions(config, parts) : connectionOptions(config, parts)
  const node = config.kind === "standalone" && firstNode(config)
  return new Redis({ ...options, ...node, ...patient, lazyConnect: false, enableOfflineQueue: true })
}

/**
 * A client for channels that ends for good when its connection does.
 * @param node the node of a Cluster to connect to; not used otherwise
 */
export function createChannelClient(config: RedisConfig, parts: ClientParts, node: RedisAddress | undefined): Redis {
  const once = { retryStrategy: () => null, enableOfflineQueue: true, autoResubscribe: false }
  if (config.kind === "sentinel") return new Redis({ ...sentinelOptions(config, parts), ...once })
  return new Redis({ ...connectionOptions(config, parts), ...once, ...(node ?? firstNode(config)) })
}

/** A client for one of the Sentinels that ends for good when its connection does. */
export function createSentinelClient(config: RedisConfig, parts: ClientParts, sentinel: RedisAddress): Redis {
  const { username: _user, password: _password, ...options } = connectionOptions(config, parts)
  const password = config.sentinelPassword?.reveal()
  return new Redis({
    ...{ ...options, ...sentinel, retryStrategy: () => null, enableOfflineQueue: true, autoResubscribe: false },
    ...(password !== undefined && { password }),
  })
}

/** The detours in the form of ioredis, which knows servers as `host:port`, IPv6 without brackets, and changes what it gets. */
function natMap(config: RedisConfig): Extract<NatMap, (key: string) => unknown> {
  const routes = new Map(
    config.natMap.map(({ announced: { host, port }, reachable }) => [`${host}:${port}`, reachable]),
  )
  return (announced) => {
    const reachable = routes.get(announced)
    return reachable === undefined ? null : { ...reachable }
  }
}

function firstNode(config: RedisConfig): RedisAddress {
  const [first] = config.nodes
  if (first === undefined) throw new OperatorError("redis.nodes: an empty list is not allowed; allowed: host:port")
  return first
}

function tlsOptions({ tlsCa }: RedisConfig, { folder }: ClientParts): { ca?: string } {
  if (tlsCa === undefined) return {}
  const file = folder === undefined ? tlsCa : resolve(folder, tlsCa)
  const refusal = `redis.tls_ca: ${file} can not be read; allowed: a file of PEM certificates`
  try {
    const ca = readFileSync(file, "utf8")
    // TLS takes any text, and then trusts nobody.
    if (ca.includes("-----BEGIN CERTIFICATE-----")) return { ca }
  } catch (cause) {
    throw new OperatorError(refusal, { cause })
  }
  throw new OperatorError(refusal)
}
