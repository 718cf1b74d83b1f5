import type { CryptoBackend } from "@sluice/crypto/backend"
import { concatBytes, EMPTY, idKey } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { LinkHandler, NodeLink } from "@sluice/fleet/node-link"
import type { Clock, Timer } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { RelaySink } from "../context.ts"
import type { RelayPool } from "../relays/relay-pool.ts"
import type { DroppedQueue, NtfStore, RelayId, SubscriptionRecord } from "../store/ntf-store.ts"
import type { FleetFigures } from "./fleet-metrics.ts"
import { preferredNode } from "./preferred-node.ts"
import type { RelayLeases } from "./relay-leases.ts"

export interface FleetRelaysParts {
  readonly pool: RelayPool
  readonly store: Pick<NtfStore, "relays" | "relay">
  /** Queues of a relay that nobody has asked it for, at most so many. */
  readonly fresh: (relayId: RelayId, limit: number) => Promise<readonly Uint8Array[]>
  readonly leases: RelayLeases
  readonly link: NodeLink
  readonly figures: FleetFigures
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds of a lease without renewal. */
  readonly lease: number
}

const RELAY_ID_LENGTH = 16
const PAGE = 200
/** New queues of a relay that one look hands to its subscriber. */
const FRESH = 200

/**
 * Shares the relays out among the nodes: each is subscribed by the node that {@link preferredNode} names, as long as that
 * node holds its lease. A subscription that is made on another node is stored there and announced to the owner by a hint;
 * a hint that is lost is made up for by the next look at the store, three times in the time of a lease.
 */
export class FleetRelays implements RelaySink {
  readonly #parts: FleetRelaysParts
  /** What is being done with a relay: one thing after the other. */
  readonly #lanes = new Map<string, Promise<void>>()
  #timer: Timer | undefined
  #looking: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(parts: FleetRelaysParts) {
    this.#parts = parts
  }

  /** Relays that this node owns. */
  get owned(): number {
    return this.#parts.leases.size
  }

  /** Joins the other nodes and begins to take relays. Rejects with `LinkError` when Redis is away. */
  async start(): Promise<void> {
    const look = (): void => void this.#look()
    const handler: LinkHandler = {
      received: (payload) => this.#hinted(payload),
      interrupted: look,
      joined: look,
      ended: look,
      leaseLost: look,
    }
    await this.#parts.link.start(handler)
    await this.#look()
    this.#tick()
  }

  subscribe(subscription: SubscriptionRecord): void {
    const { leases, pool, crypto, link } = this.#parts
    const { relayId, notifierId, server } = subscription
    if (leases.fence(relayId) > 0) {
      pool.subscribe(subscription)
      return
    }
    const node = preferredNode(crypto, relayId, this.#nodes())
    if (node === link.node) void this.#take(relayId, server)
    else this.#tell(node, relayId, notifierId)
  }

  drop(queues: readonly DroppedQueue[]): void {
    const { leases, pool } = this.#parts
    pool.drop(queues.filter(({ relayId }) => leases.fence(relayId) > 0))
  }

  /**
   * Gives all relays up, so that other nodes take them at once: each as soon as its connection is closed, while what it had
   * sent is still being stored until the deadline.
   */
  async stop(deadline?: AbortSignal): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#looking
    const { leases, link, log } = this.#parts
    await Promise.all(leases.held().map((relayId) => this.#inLane(relayId, () => this.#giveUp(relayId, deadline))))
    await this.#parts.pool.stop(deadline)
    try {
      await link.stop()
    } catch (error) {
      log.debug("the fleet could not be told of the end", { error })
    }
  }

  #nodes(): readonly string[] {
    const { link } = this.#parts
    return [link.node, ...link.others]
  }

  #tick(): void {
    if (this.#stopped) return
    const { clock, lease } = this.#parts
    this.#timer = clock.setTimeout(() => void this.#look().then(() => this.#tick()), lease / 3, { background: true })
  }

  /** Brings what this node does in line with the store and the other nodes. Never rejects. */
  #look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#again = true
      return this.#looking
    }
    this.#looking = this.#lookAll().finally(() => {
      this.#looking = undefined
      if (this.#again && !this.#stopped) void this.#look()
      this.#again = false
    })
    return this.#looking
  }

  async #lookAll(): Promise<void> {
    const { store, leases, log } = this.#parts
    // First of all: renewal, and the end of what could not be renewed.
    await Promise.all(leases.held().map((relayId) => this.#inLane(relayId, () => this.#renew(relayId))))
    try {
      const unseen = new Map(leases.held().map((relayId) => [idKey(relayId), relayId]))
      let after: Uint8Array | undefined
      do {
        const page = await store.relays({ after, limit: PAGE })
        for (const { relayId } of page.items) unseen.delete(idKey(relayId))
        await Promise.all(page.items.map(({ relayId, server }) => this.#lookAt(relayId, server)))
        after = page.next
      } while (after !== undefined && !this.#stopped)
      // Nobody has a subscription there any more.
      await Promise.all([...unseen.values()].map((relayId) => this.#inLane(relayId, () => this.#giveUp(relayId))))
    } catch (error) {
      log.warn("the relays to subscribe to could not be read, trying again", { error })
    }
  }

  async #lookAt(relayId: RelayId, server: Server): Promise<void> {
    const { leases, crypto, link, pool } = this.#parts
    const node = preferredNode(crypto, relayId, this.#nodes())
    if (leases.fence(relayId) === 0) {
      if (node === link.node) await this.#take(relayId, server)
      return
    }
    if (node !== link.node) {
      await this.#inLane(relayId, () => this.#giveUp(relayId))
      this.#tell(node, relayId, EMPTY)
      return
    }
    pool.open(relayId, server)
    if (!pool.isUp(relayId)) return
    for (const notifierId of await this.#parts.fresh(relayId, FRESH)) pool.add(relayId, notifierId)
  }

  #take(relayId: RelayId, server: Server): Promise<void> {
    return this.#inLane(relayId, async () => {
      const { leases, pool, figures } = this.#parts
      if (this.#stopped || leases.fence(relayId) > 0 || !(await leases.take(relayId))) return
      figures.relaysTaken++
      pool.open(relayId, server)
    })
  }

  async #renew(relayId: RelayId): Promise<void> {
    const { leases, pool, log } = this.#parts
    try {
      if (await leases.take(relayId)) return
      log.warn("another node has taken a relay")
    } catch (error) {
      // Redis is away: the lease holds for its time, and then another node may have the relay.
      if (leases.fence(relayId) > 0) return
      log.warn("the lease of a relay could not be renewed", { error })
      leases.forget(relayId)
    }
    this.#parts.figures.relaysLost++
    await pool.close(relayId)
  }

  async #giveUp(relayId: RelayId, deadline?: AbortSignal): Promise<void> {
    await this.#parts.pool.close(relayId, () => this.#parts.leases.release(relayId), deadline)
  }

  #tell(node: string, relayId: RelayId, notifierId: Uint8Array): void {
    this.#parts.figures.hintsSent++
    // What is lost here, the other node finds in the store.
    this.#parts.link.publish(node, concatBytes(relayId, notifierId)).catch((error: unknown) => {
      this.#parts.log.debug("a hint could not be sent", { error })
    })
  }

  #hinted(payload: Uint8Array): void {
    if (payload.length < RELAY_ID_LENGTH || this.#stopped) return
    this.#parts.figures.hintsReceived++
    const relayId = payload.slice(0, RELAY_ID_LENGTH)
    const notifierId = payload.slice(RELAY_ID_LENGTH)
    void this.#follow(relayId, notifierId)
  }

  async #follow(relayId: RelayId, notifierId: Uint8Array): Promise<void> {
    const { leases, pool, store, log } = this.#parts
    try {
      if (leases.fence(relayId) > 0 && notifierId.length > 0) {
        pool.add(relayId, notifierId)
        return
      }
      const relay = await store.relay(relayId)
      if (relay !== undefined && relay.total > 0) await this.#lookAt(relayId, relay.server)
    } catch (error) {
      log.debug("a hint could not be followed", { error })
    }
  }

  /** Runs what is to be done with a relay behind what is being done with it. Never rejects: the next look repairs. */
  #inLane(relayId: RelayId, run: () => Promise<void>): Promise<void> {
    const key = idKey(relayId)
    const before = this.#lanes.get(key) ?? Promise.resolve()
    const after: Promise<void> = before
      .then(run)
      .catch((error: unknown) => this.#parts.log.debug("a relay could not be taken or given up", { error }))
      .finally(() => {
        if (this.#lanes.get(key) === after) this.#lanes.delete(key)
      })
    this.#lanes.set(key, after)
    return after
  }
}
