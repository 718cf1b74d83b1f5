import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import { Cluster, type Command, type Redis } from "ioredis"
import { createChannelClient, createClient, createPatientClient, createSentinelClient } from "./client-options.ts"
import { Confirmations } from "./confirmations.ts"
import { type Argument, type CommandLine, type Reply, toCommand } from "./redis-command.ts"
import { answerWord, RedisError, toRedisError } from "./redis-error.ts"
import { RedisNodes } from "./redis-nodes.ts"
import type { Script } from "./script.ts"
import { SentinelWatch } from "./sentinel-watch.ts"
import type { RedisConfig, RedisKind } from "./settings.ts"
import { createSubscriber, type RedisSubscriber, type SubscriberEvents } from "./subscriber.ts"
import { TurnWrites } from "./turn-writes.ts"

/** What a connection is built on. */
export interface RedisComponents {
  readonly log: Log
  readonly clock: Clock
  /** A number from 0 up to 1, such as `Math.random`, which is the default: it only spreads attempts to connect. */
  readonly random?: () => number
  /** Folder that `tlsCa` of the configuration is relative to. */
  readonly folder?: string
}

/** A script with what it is called with; its keys come first. */
export interface ScriptCall {
  readonly script: Script
  readonly keys: readonly string[]
  readonly args: readonly Argument[]
}

/** Commands that go to one server in order; all their keys are of one slot. */
export interface Unit {
  /** Only the last step may be one that must not happen twice; the others may be sent again. */
  readonly steps: readonly (CommandLine | ScriptCall)[]
  /** Whether it changes something, which is then confirmed at the configured durability. */
  readonly write: boolean
}

/** What a connection counts; the same object all the time. */
export interface RedisFigures {
  /** Units of commands that were asked for. */
  units: number
  /** Those that were rejected, for whatever reason. */
  failures: number
  /** Those that were sent again because a slot moved or a script was not known. */
  repeats: number
  /** Connections to servers that were made. */
  connects: number
}

/** One server that holds keys: the only one, or a primary of a Cluster. */
export interface RedisNode {
  /** `host:port` of it, for cursors that go from node to node; changes when another takes its place. */
  readonly name: string
  command(line: CommandLine): Promise<Reply>
}

/**
 * A connection to Redis, however it is deployed. It connects by itself, again and again; while there is no connection
 * everything is rejected at once with `REDIS_UNAVAILABLE`, nothing is queued. Every promise settles within the time limit
 * of commands. Rejects with `RedisError` only.
 */
export interface RedisConnection extends AsyncDisposable {
  readonly config: RedisConfig
  readonly kind: RedisKind
  /** What every key and channel begins with. */
  readonly prefix: string
  readonly figures: Readonly<RedisFigures>
  /** Connected; with a Cluster: to all its primaries. */
  readonly isUp: boolean
  /** Tells when {@link isUp} changes; returns what ends that. */
  onChange(listener: (isUp: boolean) => void): () => void
  /**
   * Tells when a server was connected to, or when others hold keys than before; returns what ends that. What was known of
   * {@link nodes} may hold no longer.
   */
  onServers(listener: () => void): () => void
  /** Resolves when connected; rejects with why not after `timeout` milliseconds. */
  ready(timeout: number): Promise<void>
  /** One command that reads, or whose durability does not matter. */
  command(line: CommandLine): Promise<Reply>
  /** Several commands in one go; the answers in their order. All units of a turn of the event loop leave in one write. */
  run(unit: Unit): Promise<readonly Reply[]>
  /** Sends a message to the subscribers of a channel; gives how many of this server's got it. */
  publish(channel: string, message: Uint8Array): Promise<number>
  /** Scripts that servers get when they are connected to, so that their digests are known. */
  load(scripts: readonly Script[]): void
  /** The servers that hold keys. */
  nodes(): readonly RedisNode[]
  /** A connection of its own for channels; the caller closes it. */
  subscriber(events: SubscriberEvents): RedisSubscriber
  /**
   * A client of its own for a library that wants one, such as BullMQ: it queues commands while there is no connection and
   * waits in blocking ones. The caller ends it with `disconnect()`.
   */
  client(): Redis | Cluster
  /** Aborts when it is closed. */
  readonly closed: AbortSignal
  close(): Promise<void>
}

/** Begins to connect; see {@link RedisConnection.ready}. Throws `OperatorError` for files that can not be read. */
export function openRedis(config: RedisConfig, components: RedisComponents): RedisConnection {
  return new Connection(config, components)
}

class Connection implements RedisConnection {
  readonly config: RedisConfig
  readonly figures: RedisFigures = { units: 0, failures: 0, repeats: 0, connects: 0 }
  readonly #components: RedisComponents & { readonly random: () => number }
  readonly #client: Redis | Cluster
  readonly #nodes: RedisNodes
  readonly #turn = new TurnWrites()
  readonly #confirmations: Confirmations
  readonly #listeners = new Set<(isUp: boolean) => void>()
  readonly #serverListeners = new Set<() => void>()
  readonly #sentinels: SentinelWatch | undefined
  readonly #end = new AbortController()

  constructor(config: RedisConfig, components: RedisComponents) {
    const { log, random = Math.random } = components
    this.config = config
    this.#components = { ...components, random }
    this.#client = createClient(config, this.#components)
    this.#nodes = new RedisNodes(this.#client, {
      log,
      figures: this.figures,
      onChange: (isUp) => {
        for (const listener of this.#listeners) listener(isUp)
      },
      onServers: () => {
        for (const listener of this.#serverListeners) listener()
      },
    })
    this.#confirmations = new Confirmations(config, this.#turn, this.#nodes)
    this.#sentinels = config.kind === "sentinel" ? new SentinelWatch(config, this.#components) : undefined
    this.#follow(this.#client)
    this.#client.connect().catch(toRedisError)
  }

  get kind(): RedisKind {
    return this.config.kind
  }

  get prefix(): string {
    return this.config.prefix
  }

  get closed(): AbortSignal {
    return this.#end.signal
  }

  get isUp(): boolean {
    return this.#nodes.isUp
  }

  onChange(listener: (isUp: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onServers(listener: () => void): () => void {
    this.#serverListeners.add(listener)
    return () => this.#serverListeners.delete(listener)
  }

  ready(timeout: number): Promise<void> {
    if (this.isUp) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const end = this.onChange((isUp) => {
        if (!isUp) return
        end()
        timer.cancel()
        resolve()
      })
      const timer = this.#components.clock.setTimeout(() => {
        end()
        this.#whyNot().then(reject)
      }, timeout)
    })
  }

  async command(line: CommandLine): Promise<Reply> {
    const [reply] = await this.run({ steps: [line], write: false })
    return reply as Reply
  }

  async run({ steps, write }: Unit): Promise<readonly Reply[]> {
    this.figures.units++
    try {
      return await this.#send(steps, write)
    } catch (error) {
      const word = answerWord(error)
      // These say that it was not done (here): the text of a script is missing, or a slot has another owner.
      if (word === "NOSCRIPT" || word === "MOVED" || word === "ASK" || word === "TRYAGAIN") {
        return await this.#sendAgain(steps, write)
      }
      this.figures.failures++
      throw toRedisError(error)
    }
  }

  async publish(channel: string, message: Uint8Array): Promise<number> {
    return (await this.command(["PUBLISH", channel, message])) as number
  }

  load(scripts: readonly Script[]): void {
    this.#nodes.load(scripts)
  }

  nodes(): readonly RedisNode[] {
    return this.#nodes.primaries().map((redis) => ({
      name: `${redis.options.host}:${redis.options.port}`,
      command: async (line) => {
        try {
          return await this.#sendTo(redis, toCommand(line))
        } catch (error) {
          throw toRedisError(error)
        }
      },
    }))
  }

  subscriber(events: SubscriberEvents): RedisSubscriber {
    const { clock, random, log } = this.#components
    return createSubscriber({ connect: () => this.#channelClient(), events, clock, random, log })
  }

  client(): Redis | Cluster {
    return this.#follow(createPatientClient(this.config, this.#components))
  }

  async close(): Promise<void> {
    if (this.closed.aborted) return
    this.#end.abort()
    this.#nodes.close()
    this.#client.disconnect()
    await this.#sentinels?.[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** What keeps it from connecting; the library does not tell what a Sentinel's connection failed of, so that is tried. */
  async #whyNot(): Promise<RedisError> {
    const { config } = this
    const [sentinel] = config.nodes
    const error = toRedisError(this.#nodes.lastError)
    if (config.kind !== "sentinel" || sentinel === undefined || error.code !== "REDIS_UNAVAILABLE") return error
    const client = createSentinelClient(config, this.#components, sentinel)
    const reasons: unknown[] = []
    client.on("error", (reason) => reasons.push(reason))
    await client.connect().catch((reason: unknown) => reasons.push(reason))
    client.disconnect()
    return reasons.length > 0 ? toRedisError(reasons[0]) : error
  }

  /** To one of the nodes that are known to be there, or to one of the configured ones. */
  #channelClient(): Redis {
    const { config } = this
    const known = this.#nodes.primaries().flatMap(({ options: { host, port } }) => {
      return config.kind === "cluster" && host !== undefined && port !== undefined ? [{ host, port }] : []
    })
    const candidates = known.length > 0 ? known : config.nodes
    const choice = candidates[Math.floor(this.#components.random() * candidates.length)]
    return this.#follow(createChannelClient(config, this.#components, config.kind === "cluster" ? choice : undefined))
  }

  #follow<C extends Redis | Cluster>(client: C): C {
    if (!(client instanceof Cluster)) this.#sentinels?.follow(client)
    return client
  }

  async #send(steps: Unit["steps"], write: boolean): Promise<readonly Reply[]> {
    const commands = steps.map(toStep)
    const redis = this.#nodes.nodeOf(commands)
    const sent = commands.map((command) => this.#sendTo(redis, command))
    if (write && this.#confirmations.needed) {
      const [replies] = await Promise.all([Promise.all(sent), this.#confirmations.confirm(redis)])
      return replies
    }
    return sent.length === 1 ? [(await sent[0]) as Reply] : Promise.all(sent)
  }

  #sendTo(redis: Redis, command: Command): Promise<Reply> {
    if (this.closed.aborted) return Promise.reject(new RedisError({ code: "REDIS_CLOSED" }))
    this.#turn.hold(redis.stream)
    return redis.sendCommand(command) as Promise<Reply>
  }

  /** One after the other, with the texts of scripts; the client library follows a slot to where it is now. */
  async #sendAgain(steps: Unit["steps"], write: boolean): Promise<readonly Reply[]> {
    this.figures.repeats++
    try {
      const replies: Reply[] = []
      for (const step of steps) replies.push((await this.#client.sendCommand(toStep(withText(step)))) as Reply)
      if (write && this.#confirmations.needed) {
        await Promise.all(this.#nodes.primaries().map((redis) => this.#confirmations.confirm(redis)))
      }
      return replies
    } catch (error) {
      this.figures.failures++
      throw toRedisError(error)
    }
  }
}

function toStep(step: CommandLine | ScriptCall): Command {
  if (!("script" in step)) return toCommand(step)
  return toCommand(["EVALSHA", step.script.sha, step.keys.length, ...step.keys, ...step.args])
}

function withText(step: CommandLine | ScriptCall): CommandLine {
  if (!("script" in step)) return step
  return ["EVAL", step.script.lua, step.keys.length, ...step.keys, ...step.args]
}
