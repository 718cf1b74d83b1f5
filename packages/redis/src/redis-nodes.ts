import type { Log } from "@sluice/ops/log"
import { Cluster, type Command, type Redis } from "ioredis"
import { toCommand } from "./redis-command.ts"
import { answerWord, RedisError, toRedisError } from "./redis-error.ts"
import type { Script } from "./script.ts"

export interface RedisNodesParts {
  readonly log: Log
  readonly figures: { connects: number }
  readonly onChange: (isUp: boolean) => void
  /** A server was connected to, or others hold keys than before. */
  readonly onServers: () => void
}

/** The servers of a deployment: which are connected, which has a key, and what they must know when they are. */
export class RedisNodes {
  readonly #client: Redis | Cluster
  readonly #parts: RedisNodesParts
  readonly #scripts = new Map<string, Script>()
  /** Nodes of a Cluster by `host:port`; empty otherwise. */
  readonly #byName = new Map<string, Redis>()
  readonly #versions = new WeakMap<Redis, number>()
  #isUp = false
  #closed = false
  #refreshing = false
  /** Primaries of a Cluster when it was last asked for them. */
  #primaryNames = ""
  /** What was logged last, so that a server that is away is told once. */
  #told: string | undefined
  /** Why there was no connection, as long as there has been none since. */
  lastError: unknown

  constructor(client: Redis | Cluster, parts: RedisNodesParts) {
    this.#client = client
    this.#parts = parts
    client.on("error", (error) => this.#failed(error))
    if (!(client instanceof Cluster)) {
      this.#watch(client)
      return
    }
    client.on("node error", (error: unknown) => this.#failed(error))
    client.on("+node", (redis: Redis) => {
      this.#byName.set(nameOf(redis), redis)
      this.#watch(redis)
      redis.connect().catch(toRedisError)
    })
    client.on("-node", (redis: Redis) => {
      if (this.#byName.get(nameOf(redis)) === redis) this.#byName.delete(nameOf(redis))
      this.#update()
    })
    for (const event of ["ready", "close", "refresh"]) client.on(event, () => this.#update())
    client.on("refresh", () => this.#comparePrimaries())
  }

  get isUp(): boolean {
    return this.#isUp
  }

  load(scripts: readonly Script[]): void {
    const added = scripts.filter(({ sha }) => !this.#scripts.has(sha))
    for (const script of added) this.#scripts.set(script.sha, script)
    for (const redis of this.primaries()) if (redis.status === "ready") this.#loadInto(redis, added)
  }

  /** The only server, or the primaries of the Cluster. */
  primaries(): readonly Redis[] {
    return this.#client instanceof Cluster ? this.#client.nodes("master") : [this.#client]
  }

  /** The server that the keys of the commands are on. Throws `RedisError` when it is not connected. */
  nodeOf(commands: readonly Command[]): Redis {
    if (this.#closed) throw new RedisError({ code: "REDIS_CLOSED" })
    const redis = this.#client instanceof Cluster ? this.#ownerOf(this.#client, commands) : this.#client
    if (redis?.status !== "ready") throw new RedisError({ code: "REDIS_UNAVAILABLE" })
    return redis
  }

  /** Version of a server, such as 702 for 7.2.1; 0 while it is not known, or where asking is not allowed. */
  versionOf(redis: Redis): number {
    return this.#versions.get(redis) ?? 0
  }

  close(): void {
    this.#closed = true
    this.#isUp = false
  }

  #ownerOf(cluster: Cluster, commands: readonly Command[]): Redis | undefined {
    const withKey = commands.find((command) => command.getKeys().length > 0)
    if (withKey === undefined) return cluster.nodes("master").find(({ status }) => status === "ready")
    const name = cluster.slots[withKey.getSlot()]?.[0]
    const owner = name === undefined ? undefined : this.#byName.get(name)
    if (owner?.status !== "ready") this.#refresh(cluster)
    return owner
  }

  /** Asks for the owners of slots before it would happen by itself. */
  #refresh(cluster: Cluster): void {
    if (this.#refreshing || cluster.status !== "ready") return
    this.#refreshing = true
    cluster.refreshSlotsCache(() => {
      this.#refreshing = false
      this.#update()
    })
  }

  /** A replica that was promoted may have been connected to all the time. */
  #comparePrimaries(): void {
    const names = this.primaries().map(nameOf).sort().join(" ")
    if (names === this.#primaryNames) return
    this.#primaryNames = names
    this.#parts.onServers()
  }

  #watch(redis: Redis): void {
    redis.on("ready", () => {
      this.#parts.figures.connects++
      void this.#learnVersion(redis)
      this.#loadInto(redis, [...this.#scripts.values()])
      this.#update()
      this.#parts.onServers()
    })
    redis.on("close", () => {
      this.#update()
      if (this.#client instanceof Cluster) this.#refresh(this.#client)
    })
  }

  /** Commands that come later on this connection find the scripts there; one that could not be loaded is sent as text. */
  #loadInto(redis: Redis, scripts: readonly Script[]): void {
    for (const { lua } of scripts) {
      const loaded = redis.sendCommand(toCommand(["SCRIPT", "LOAD", lua])) as Promise<unknown>
      loaded.catch(toRedisError)
    }
  }

  async #learnVersion(redis: Redis): Promise<void> {
    try {
      const [major = 0, minor = 0] = (/redis_version:([\d.]+)/.exec(await redis.info("server"))?.[1] ?? "").split(".")
      this.#versions.set(redis, Number(major) * 100 + Number(minor))
    } catch {
      // Not allowed to ask, or gone again: nothing of a newer version is used then.
      this.#versions.delete(redis)
    }
  }

  #update(): void {
    if (this.#closed) return
    const isUp = this.#client.status === "ready" && this.primaries().every((redis) => redis.status === "ready")
    if (isUp === this.#isUp) return
    this.#isUp = isUp
    if (isUp) {
      this.#told = undefined
      this.lastError = undefined
      this.#parts.log.info("connected to Redis")
    } else {
      this.#parts.log.warn("lost a connection to Redis")
    }
    this.#parts.onChange(isUp)
  }

  #failed(cause: unknown): void {
    // A Cluster of which no node answers tells why the last one did not.
    const error = (cause as { lastNodeError?: unknown } | undefined)?.lastNodeError ?? cause
    // What says more than that there is no connection is not forgotten because there is none.
    if (toRedisError(error).code !== "REDIS_UNAVAILABLE" || this.lastError === undefined) this.lastError = error
    const reason = answerWord(error) ?? (error as { code?: string } | undefined)?.code ?? "connection closed"
    if (reason === this.#told || this.#closed) return
    this.#told = reason
    this.#parts.log.warn("Redis can not be reached", { reason })
  }
}

function nameOf(redis: Redis): string {
  return `${redis.options.host}:${redis.options.port}`
}
