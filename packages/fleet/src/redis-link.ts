import { concatBytes, equalBytes, fromLatin1, latin1 } from "@sluice/encoding/bytes"
import type { Clock, Timer } from "@sluice/ops/clock"
import type { RedisConnection } from "@sluice/redis/connection"
import { listOf, textOf } from "@sluice/redis/redis-command"
import { RedisError } from "@sluice/redis/redis-error"
import { type Script, script } from "@sluice/redis/script"
import type { RedisSubscriber } from "@sluice/redis/subscriber"
import { LinkError, type LinkHandler, type NodeLink } from "./node-link.ts"
import { leasesKey } from "./redis-leases.ts"

/** Milliseconds of a lease. */
export const REDIS_LEASE = 10_000
/** Renewals in the time of a lease, and the same while they fail. */
const RENEWALS = 3
const RETRIES = 10

/**
 * Renews one lease. Leases are a sorted set, by the time of Redis' own clock at which they end; what has ended is removed,
 * so a node that comes too late finds itself gone. Answers whether the lease still held, and the names of all nodes.
 */
const RENEW: Script = script({
  name: "fleet: renew a lease",
  keys: 1,
  // Recipients can still subscribe, acknowledge and delete when Redis is full: what nodes tell about that has to be believed.
  withoutMemory: true,
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
local held = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
return { held and 1 or 0, redis.call('ZRANGE', KEYS[1], 0, -1) }
`,
})

/**
 * Gives the next order: one more than the last, and no less than the microseconds of Redis' clock. So it is greater than
 * all before it also when Redis came back without the last one; a counter would begin anew, and the oldest claims would win.
 */
const NEXT_ORDER: Script = script({
  name: "fleet: next order",
  keys: 1,
  withoutMemory: true,
  lua: `
local time = redis.call('TIME')
local order = math.max(time[1] * 1000000 + time[2], (tonumber(redis.call('GET', KEYS[1])) or 0) + 1)
redis.call('SET', KEYS[1], string.format('%.0f', order))
return string.format('%.0f', order)
`,
})

export interface RedisLinkOptions {
  readonly redis: RedisConnection
  /** Milliseconds; all nodes should have the same. */
  readonly lease?: number
}

export interface RedisLinkComponents {
  /** Name of this node: up to 64 printable ASCII characters. */
  readonly node: string
  readonly clock: Clock
}

/**
 * Joins the nodes that share a Redis. The connection stays the caller's. Keys and channels, behind the prefix: `fleet:leases`
 * (sorted set), `fleet:order` (the last one), `fleet:to:<node>`, `fleet:all` and `fleet:nodes` (channels).
 */
export function redisLink({
  redis,
  lease = REDIS_LEASE,
}: RedisLinkOptions): (components: RedisLinkComponents) => NodeLink {
  redis.load([RENEW, NEXT_ORDER])
  return ({ node, clock }) => new RedisLink(redis, lease, node, clock)
}

class RedisLink implements NodeLink {
  readonly direct: boolean
  readonly node: string
  readonly #redis: RedisConnection
  readonly #lease: number
  readonly #clock: Clock
  readonly #others = new Set<string>()
  readonly #keys: { readonly leases: string; readonly order: string }
  readonly #channels: { readonly own: string; readonly all: string; readonly nodes: string }
  /** Stands before what goes to all: its length in a byte, then the name. */
  readonly #name: Uint8Array
  #handler: LinkHandler | undefined
  #subscriber: RedisSubscriber | undefined
  #renewal: Timer | undefined
  /** Until when the lease holds for sure, monotonic milliseconds. */
  #until = Number.NEGATIVE_INFINITY
  #started = false
  #stopped = false

  constructor(redis: RedisConnection, lease: number, node: string, clock: Clock) {
    this.node = node
    // A Cluster copies what is published to all its servers.
    this.direct = redis.kind !== "cluster"
    this.#redis = redis
    this.#lease = lease
    this.#clock = clock
    this.#name = new Uint8Array([node.length, ...latin1(node)])
    const { prefix } = redis
    this.#keys = { leases: leasesKey(prefix), order: `${prefix}fleet:order` }
    this.#channels = { own: this.#channelOf(node), all: `${prefix}fleet:all`, nodes: `${prefix}fleet:nodes` }
  }

  get others(): ReadonlySet<string> {
    return this.#others
  }

  holdsLease(): boolean {
    return this.#clock.monotonic() < this.#until
  }

  async start(handler: LinkHandler): Promise<void> {
    this.#handler = handler
    const { own, all, nodes } = this.#channels
    this.#subscriber = this.#redis.subscriber({
      message: (channel, payload) => this.#message(channel, payload),
      up: () => {
        if (this.#started) this.#handler?.interrupted()
      },
      down: () => undefined,
    })
    try {
      await Promise.all([own, all, nodes].map((channel) => this.#subscriber?.subscribe(channel)))
      await this.#renew()
      await this.#redis.publish(nodes, latin1(`+${this.node}`))
    } catch (error) {
      await this.stop()
      throw toLinkError(error)
    }
    this.#started = true
    this.#renewLater(RENEWALS)
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#handler = undefined
    this.#renewal?.cancel()
    this.#until = Number.NEGATIVE_INFINITY
    await this.#subscriber?.close()
    try {
      await this.#redis.command(["ZREM", this.#keys.leases, this.node])
      await this.#redis.publish(this.#channels.nodes, latin1(`-${this.node}`))
    } catch (error) {
      // The lease ends by itself then.
      if (!(error instanceof RedisError)) throw error
    }
  }

  async publish(node: string, payload: Uint8Array): Promise<void> {
    await this.#publish(this.#channelOf(node), payload)
  }

  async broadcast(payload: Uint8Array): Promise<void> {
    // It comes back to this node, too, which knows it by the name before it.
    await this.#publish(this.#channels.all, concatBytes(this.#name, payload))
  }

  async nextOrder(): Promise<number> {
    try {
      const call = { script: NEXT_ORDER, keys: [this.#keys.order], args: [] }
      const [order] = await this.#redis.run({ steps: [call], write: false })
      return Number(textOf(order))
    } catch (error) {
      throw toLinkError(error)
    }
  }

  async #publish(channel: string, payload: Uint8Array): Promise<void> {
    try {
      await this.#redis.publish(channel, payload)
    } catch (error) {
      throw toLinkError(error)
    }
  }

  #channelOf(node: string): string {
    return `${this.#redis.prefix}fleet:to:${node}`
  }

  #message(channel: string, payload: Uint8Array): void {
    if (channel !== this.#channels.nodes) {
      if (channel === this.#channels.all) this.#broadcasted(payload)
      else this.#handler?.received(payload)
      return
    }
    const text = fromLatin1(payload)
    const node = text.slice(1)
    if (node === this.node) return
    if (text.startsWith("+")) this.#joined(node)
    else if (text.startsWith("-")) this.#ended(node)
  }

  #broadcasted(message: Uint8Array): void {
    const length = 1 + (message[0] ?? 0)
    if (!equalBytes(message.subarray(0, length), this.#name)) this.#handler?.received(message.subarray(length))
  }

  #joined(node: string): void {
    if (this.#others.has(node)) return
    this.#others.add(node)
    this.#handler?.joined(node)
  }

  #ended(node: string): void {
    if (this.#others.delete(node)) this.#handler?.ended(node)
  }

  /** Rejects when Redis does not answer, and then is to be tried again soon. */
  async #renew(): Promise<void> {
    const sentAt = this.#clock.monotonic()
    const call = { script: RENEW, keys: [this.#keys.leases], args: [this.node, this.#lease] }
    const [answer] = await this.#redis.run({ steps: [call], write: false })
    if (this.#stopped) return
    const [held, names] = listOf(answer)
    const lapsed = !this.holdsLease()
    this.#until = sentAt + this.#lease
    const live = new Set(listOf(names).map(textOf))
    for (const node of [...this.#others]) if (!live.has(node)) this.#ended(node)
    for (const node of live) if (node !== this.node) this.#joined(node)
    if (!this.#started) return
    if (held !== 1) {
      this.#handler?.leaseLost()
      this.#redis.publish(this.#channels.nodes, latin1(`+${this.node}`)).catch(() => undefined)
    } else if (lapsed && this.holdsLease()) {
      this.#handler?.interrupted()
    }
  }

  #renewLater(parts: number): void {
    if (this.#stopped) return
    this.#renewal = this.#clock.setTimeout(
      () => {
        this.#renew().then(
          () => this.#renewLater(RENEWALS),
          () => this.#renewLater(RETRIES),
        )
      },
      this.#lease / parts,
      { background: true },
    )
  }
}

function toLinkError(error: unknown): unknown {
  return error instanceof RedisError ? new LinkError("Redis can't be reached", { cause: error }) : error
}
