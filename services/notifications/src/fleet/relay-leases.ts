import { idKey } from "@sluice/encoding/bytes"
import type { Clock } from "@sluice/ops/clock"
import type { RedisConnection } from "@sluice/redis/connection"
import { listOf, numberOf, textOf } from "@sluice/redis/redis-command"
import type { RelayId } from "../store/ntf-store.ts"
import type { NtfKeys } from "../store/redis/keys.ts"
import { RELEASE_RELAY, TAKE_RELAY } from "../store/redis/scripts/relay-scripts.ts"

export interface RelayLeasesParts {
  readonly connection: RedisConnection
  readonly keys: NtfKeys
  /** Name of this node, which no other process has. */
  readonly node: string
  readonly clock: Clock
  /** Milliseconds of a lease without renewal. */
  readonly lease: number
}

interface Held {
  readonly relayId: RelayId
  readonly fence: number
  /** Until when it holds for sure, monotonic milliseconds. */
  until: number
}

/**
 * Which relays this node is the only one to be subscribed to. A lease is a key in the slot of its relay that expires by
 * Redis' clock; with it comes a fence, a number that grows with every owner, under which the store takes what an owner has
 * to say about its relay. So a node that was paused closes its connections as soon as it runs again, and what it had still
 * to write is refused.
 */
export class RelayLeases {
  readonly #parts: RelayLeasesParts
  readonly #held = new Map<string, Held>()

  constructor(parts: RelayLeasesParts) {
    this.#parts = parts
  }

  /** Relays that this node owns. */
  get size(): number {
    return this.#held.size
  }

  /** The fence of a relay that is surely this node's at this moment, otherwise 0. */
  fence(relayId: RelayId): number {
    const held = this.#held.get(idKey(relayId))
    return held !== undefined && this.#parts.clock.monotonic() < held.until ? held.fence : 0
  }

  /** Relays whose lease was taken here and not given up, also those that are over by now. */
  held(): readonly RelayId[] {
    return [...this.#held.values()].map(({ relayId }) => relayId)
  }

  /** Takes a relay, or renews the lease. Gives whether it is this node's now. Rejects with `RedisError`. */
  async take(relayId: RelayId): Promise<boolean> {
    const { connection, keys, node, clock, lease } = this.#parts
    const { relay, owner } = keys.relay(relayId)
    const sentAt = clock.monotonic()
    const call = { script: TAKE_RELAY, keys: [relay, owner], args: [node, lease] }
    const [reply] = await connection.run({ steps: [call], write: false })
    const [word, value] = listOf(reply)
    const key = idKey(relayId)
    if (textOf(word) !== "ok") {
      this.#held.delete(key)
      return false
    }
    this.#held.set(key, { relayId: relayId.slice(), fence: numberOf(value), until: sentAt + lease })
    return true
  }

  /** Forgets a relay without telling Redis, where its lease ends by itself or is another's. */
  forget(relayId: RelayId): void {
    this.#held.delete(idKey(relayId))
  }

  /** Gives a relay up, so that another node can take it at once. */
  async release(relayId: RelayId): Promise<void> {
    const { connection, keys, node } = this.#parts
    this.#held.delete(idKey(relayId))
    const call = { script: RELEASE_RELAY, keys: [keys.relay(relayId).owner], args: [node] }
    await connection.run({ steps: [call], write: false })
  }
}
