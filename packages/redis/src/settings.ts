import { formatBind, parseBind } from "@sluice/ops/bind"
import { type Kind, parsedKind } from "@sluice/ops/kind"
import { choice, duration, flag, integer, list, path, secret, text } from "@sluice/ops/kinds"
import type { Secret } from "@sluice/ops/secret"
import { type Group, group, optional, type Setting, setting } from "@sluice/ops/settings"

/** Where one server of Redis, a Sentinel or a node of a Cluster listens. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** A server that others announce at one address, and that this process reaches at another. */
export interface RedisRoute {
  readonly announced: RedisAddress
  readonly reachable: RedisAddress
}

/** How Redis is deployed. */
export type RedisKind = "standalone" | "sentinel" | "cluster"

/**
 * What a change has survived when it is confirmed: with `memory` the end of any node of the fleet, with `fsync` also the
 * end of Redis and of its machine, with `replicated` also the loss of that machine.
 */
export type Durability = "memory" | "fsync" | "replicated"

/** How Redis is reached and what is asked of it. Durations are milliseconds. */
export interface RedisConfig {
  readonly kind: RedisKind
  readonly nodes: readonly RedisAddress[]
  /** Detours to servers that Sentinels or the Cluster announce; servers without one are reached where they are announced. */
  readonly natMap: readonly RedisRoute[]
  readonly sentinelName: string
  readonly username: string | undefined
  readonly password: Secret | undefined
  readonly sentinelPassword: Secret | undefined
  readonly tls: boolean
  /** A file; the owner of the configuration says relative to what. */
  readonly tlsCa: string | undefined
  readonly prefix: string
  readonly connectTimeout: number
  readonly commandTimeout: number
  readonly durability: Durability
  readonly replicas: number
  readonly durabilityTimeout: number
}

type EntriesOf<C> = { readonly [N in keyof C]: Setting<C[N]> }

/** `[redis]` */
export const redisSettings: Group<EntriesOf<RedisConfig>> = group(
  "Redis 7 or later (or Valkey), which the nodes of a fleet share.",
  {
    kind: setting(choice("standalone", "sentinel", "cluster"), {
      default: "standalone",
      help: "One server, servers watched by Sentinels, or a Redis Cluster.",
    }),
    nodes: setting(list(address(), { min: 1 }), {
      default: ["127.0.0.1:6379"],
      help: "The server; or the Sentinels; or some nodes of the Cluster, from which the others are learned.",
    }),
    natMap: setting(routes(), {
      default: [],
      help: "Where servers are reached that Sentinels or the Cluster announce elsewhere: behind NAT, on forwarded ports, or by the names of their certificates.",
    }),
    sentinelName: setting(text(), { default: "mymaster", help: "Name under which Sentinels know the servers." }),
    username: optional(text(), { help: "User of Redis' access lists; unset is its default user." }),
    password: optional(secret(), { help: "Password of that user." }),
    sentinelPassword: optional(secret(), { help: "Password of the Sentinels, if they have one." }),
    tls: setting(flag(), { default: false, help: "Whether connections to Redis (and Sentinels) use TLS." }),
    tlsCa: optional(path(), {
      help: "File of the certificates that sign those of Redis, relative to the data folder; unset trusts public ones.",
      example: "redis-ca.crt",
    }),
    prefix: setting(text({ pattern: /^[\w:.-]{1,32}$/, allowed: "1 to 32 letters, digits and _ : . -" }), {
      default: "sluice:",
      help: "What all keys and channels begin with; relays with the same prefix share their queues.",
    }),
    connectTimeout: setting(duration({ min: "10ms", max: "10m" }), {
      default: "5s",
      help: "Time for one attempt to connect.",
    }),
    commandTimeout: setting(duration({ min: "10ms", max: "10m" }), {
      default: "5s",
      help: "Silence of Redis, while it owes answers, after which the connection is given up and opened again.",
    }),
    durability: setting(choice("memory", "fsync", "replicated"), {
      default: "fsync",
      help: "What a message has survived when its sender gets OK: memory (Redis has it), fsync (its disk has it; needs appendonly and appendfsync always), replicated (replicas have it).",
    }),
    replicas: setting(integer({ min: 1, max: 16 }), {
      default: 1,
      help: "Replicas that must confirm a change at the durability replicated.",
    }),
    durabilityTimeout: setting(duration({ min: "10ms", max: "1m" }), {
      default: "1s",
      help: "Time for replicas or the disk to confirm; then the change is answered as failed, although it may stand.",
    }),
  },
)

/** The default of every setting, for tests and programs without a configuration. */
export const defaultRedis: RedisConfig = defaults()

function defaults(): RedisConfig {
  const values = Object.entries(redisSettings.entries).map(([name, { kind, fallback }]) => [
    name,
    fallback === undefined ? undefined : kind.schema.parse(fallback),
  ])
  return Object.freeze(Object.fromEntries(values))
}

function address(): Kind<RedisAddress> {
  return parsedKind<RedisAddress>(
    "host:port such as 127.0.0.1:6379",
    (raw, refuse) => addressOf(raw) ?? refuse(),
    formatBind,
  )
}

/** Pairs of addresses; each announced one has one reachable one. */
function routes(): Kind<readonly RedisRoute[]> {
  const { schema, show } = list(
    parsedKind<RedisRoute>(
      "a pair",
      (raw, refuse) => {
        const [announced, reachable, ...more] = typeof raw === "string" ? raw.split("=").map(addressOf) : []
        return announced === undefined || reachable === undefined || more.length > 0
          ? refuse()
          : { announced, reachable }
      },
      ({ announced, reachable }) => `${formatBind(announced)}=${formatBind(reachable)}`,
    ),
  )
  return parsedKind(
    "a list, each announced=reachable such as 10.0.0.5:6379=redis.example.org:6379, no announced one twice",
    (raw, refuse) => {
      const { data = [], success } = schema.safeParse(raw)
      const announced = new Set(data.map((route) => formatBind(route.announced)))
      return success && announced.size === data.length ? data : refuse()
    },
    show,
  )
}

function addressOf(raw: unknown): RedisAddress | undefined {
  const parsed = typeof raw === "string" ? parseBind(raw) : undefined
  return parsed?.host === undefined || parsed.port === 0 ? undefined : { host: parsed.host, port: parsed.port }
}
