import type { Clock, Timer } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { Redis } from "ioredis"
import { backOff } from "./client-options.ts"
import { RedisError, toRedisError } from "./redis-error.ts"

/** How often a silent connection is asked whether it is still there, in milliseconds. */
const PING_INTERVAL = 5_000

/** What a subscriber tells. Listeners must not throw. */
export interface SubscriberEvents {
  /** A message of a channel; the bytes are a view on what was received. */
  message(channel: string, message: Uint8Array): void
  /** All channels are subscribed to (again). What was published since `down` was missed. */
  up(): void
  /** The connection is lost: messages may be missed from some moment before on. */
  down(): void
}

/**
 * A connection for publish and subscribe. It keeps its channels over interruptions and says when there was one. With a
 * Cluster it is a connection to any of its nodes, because channels are the same on all of them.
 */
export interface RedisSubscriber extends AsyncDisposable {
  /** All channels are subscribed to. */
  readonly isUp: boolean
  /** Adds a channel, also while there is no connection; resolves when messages of it arrive for sure. */
  subscribe(channel: string): Promise<void>
  unsubscribe(channel: string): Promise<void>
  close(): Promise<void>
}

export interface SubscriberParts {
  /** A new connection that is not connected yet and does not connect again by itself. */
  readonly connect: () => Redis
  readonly events: SubscriberEvents
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
}

export function createSubscriber(parts: SubscriberParts): RedisSubscriber {
  const subscriber = new Subscriber(parts)
  subscriber.open()
  return subscriber
}

class Subscriber implements RedisSubscriber {
  readonly #parts: SubscriberParts
  readonly #channels = new Set<string>()
  /** Callers of `subscribe` that came while there was no connection. */
  #waiting: { readonly resolve: () => void; readonly reject: (error: RedisError) => void }[] = []
  #redis: Redis | undefined
  #timer: Timer | undefined
  #attempt = 0
  #up = false
  #closed = false

  constructor(parts: SubscriberParts) {
    this.#parts = parts
  }

  get isUp(): boolean {
    return this.#up
  }

  async subscribe(channel: string): Promise<void> {
    if (this.#closed) throw new RedisError({ code: "REDIS_CLOSED" })
    this.#channels.add(channel)
    const redis = this.#redis
    if (!this.#up || redis === undefined) {
      return new Promise((resolve, reject) => {
        this.#waiting.push({ resolve, reject })
      })
    }
    try {
      await redis.subscribe(channel)
    } catch (cause) {
      throw toRedisError(cause)
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel)
    if (!this.#up) return
    // A connection that breaks now has no channels any more either.
    await this.#redis?.unsubscribe(channel).catch(toRedisError)
  }

  open(): void {
    const redis = this.#parts.connect()
    this.#redis = redis
    // Reasons are told by the end of the connection; without a listener they would end the process.
    redis.on("error", (error) => this.#parts.log.debug("subscriber failed", { error: String(error) }))
    redis.on("messageBuffer", (channel: Buffer, message: Buffer) => {
      this.#parts.events.message(channel.toString("utf8"), message)
    })
    redis.once("end", () => this.#lost(redis))
    redis.once("ready", () => void this.#restore(redis))
    redis.connect().catch(toRedisError)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    this.#redis?.disconnect()
    this.#up = false
    for (const { reject } of this.#waiting.splice(0)) reject(new RedisError({ code: "REDIS_CLOSED" }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #restore(redis: Redis): Promise<void> {
    try {
      // Channels that are added meanwhile are taken along until there are no more.
      for (let done = new Set<string>(); ; ) {
        const missing = [...this.#channels].filter((channel) => !done.has(channel))
        if (missing.length === 0) break
        await redis.subscribe(...missing)
        done = new Set([...done, ...missing])
      }
    } catch {
      // Refused or interrupted: the same as a connection that was lost, which leads to the next attempt.
      redis.disconnect()
      return
    }
    if (this.#closed || this.#redis !== redis) return
    this.#attempt = 0
    this.#up = true
    this.#watch(redis)
    this.#parts.events.up()
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  #lost(redis: Redis): void {
    if (this.#redis !== redis || this.#closed) return
    this.#timer?.cancel()
    this.#redis = undefined
    const wasUp = this.#up
    this.#up = false
    if (wasUp) this.#parts.events.down()
    const { clock, random } = this.#parts
    this.#timer = clock.setTimeout(() => this.open(), backOff(++this.#attempt, random), { background: true })
  }

  /** A connection that leads nowhere is noticed by a ping that nobody answers. */
  #watch(redis: Redis): void {
    const timer = this.#parts.clock.setTimeout(
      () => {
        redis.ping().catch(toRedisError)
        timer.refresh()
      },
      PING_INTERVAL,
      { background: true },
    )
    this.#timer = timer
  }
}
