import { DecodeError } from "@sluice/encoding/errors"
import type { Clock } from "@sluice/ops/clock"
import { Claims } from "./claims.ts"
import { decodePayload } from "./event-codec.ts"
import type { ClaimKind, FleetEvent, ServiceKind } from "./events.ts"
import type { FleetMetrics } from "./fleet-metrics.ts"
import type { NodeLink } from "./node-link.ts"
import { Outbox } from "./outbox.ts"

/** Events that are about queues, services and notifiers; the rest is between the nodes themselves. */
export type Hint = Exclude<FleetEvent, { readonly tag: "claimed" | "released" | "hello" | "missed" | "leaving" }>

/**
 * What may have been missed. `hints`: a message or notification that another node stored, so idle subscriptions are read
 * again. `everything`: also that subscriptions of this node moved, so all of them are compared with the store.
 */
export type Missed = "hints" | "everything"

/** What a node does about what the others tell. */
export interface FleetHandler {
  hint(hint: Hint, from: string): void
  missed(what: Missed): void
  /** Another node has this subscription now: END or ENDS. */
  claimLost(kind: ClaimKind, id: Uint8Array, to: string): void
}

export interface FleetParts {
  readonly clock: Clock
  readonly metrics: FleetMetrics
  /** Told when something could not be published; the first failure of a row only. */
  readonly onError: (error: unknown) => void
}

/** Orders of leaving nodes that are remembered until their leases end. */
const LEAVING = 64

/** One node among those that share an address: sends typed events, keeps claims, says what may have been missed. */
export class Fleet {
  readonly #link: NodeLink
  readonly #metrics: FleetMetrics
  readonly #outbox: Outbox
  readonly #claims: Claims
  readonly #leaving = new Set<string>()
  #handler: FleetHandler | undefined

  constructor(link: NodeLink, { clock, metrics, onError }: FleetParts) {
    this.#link = link
    this.#metrics = metrics
    this.#outbox = new Outbox(link, clock, metrics, onError)
    this.#claims = new Claims({
      link,
      clock,
      tell: (node, event) => this.#outbox.tell(node, event),
      tellAll: (event) => this.#outbox.tellAll(event),
      onLost: (kind, id, to) => {
        metrics.claimsLost.value++
        this.#handler?.claimLost(kind, id, to)
      },
      onError,
    })
    metrics.levels = () => ({ others: link.others.size, holdsLease: link.holdsLease() })
  }

  get node(): string {
    return this.#link.node
  }

  /** Whether hints should carry messages: see `Bus.direct`. */
  get carries(): boolean {
    return this.#link.direct
  }

  get metrics(): FleetMetrics {
    return this.#metrics
  }

  /** Takes the lease and listens. Rejects when the link can't be opened. */
  async start(handler: FleetHandler): Promise<void> {
    this.#handler = handler
    await this.#link.start({
      received: (payload) => this.#received(payload),
      interrupted: () => {
        this.#metrics.interruptions.value++
        this.#catchUp(handler)
      },
      joined: (node) => this.#claims.introduce(node),
      ended: (node) => {
        this.#claims.ended(node)
        if (!this.#leaving.delete(node)) handler.missed("hints")
      },
      leaseLost: () => {
        this.#metrics.leasesLost.value++
        this.#catchUp(handler)
      },
    })
    this.#outbox.tellAll({ tag: "hello" })
  }

  /** Publishes what waits, gives the lease up and closes the channel. */
  async stop(): Promise<void> {
    if (this.#handler === undefined) return
    this.#handler = undefined
    this.#claims.stop()
    // Without this word the others would look for what a node that died did not tell them.
    if (!this.#outbox.owes) this.#outbox.tellAll({ tag: "leaving" })
    await this.#outbox.flush()
    this.#outbox.stop()
    await this.#link.stop()
  }

  /** Tells one node, with everything else of this turn for it. Nothing happens when it is this node. */
  tell(node: string, hint: Hint): void {
    this.#outbox.tell(node, hint)
  }

  tellAll(hint: Hint): void {
    this.#outbox.tellAll(hint)
  }

  claim(kind: ClaimKind, id: Uint8Array): void {
    this.#claims.claim(kind, id)
  }

  displace(kind: ClaimKind, id: Uint8Array): void {
    this.#claims.displace(kind, id)
  }

  release(kind: ClaimKind, id: Uint8Array): void {
    this.#claims.release(kind, id)
  }

  /** Tells the node that receives for a service, or all when none is known. */
  tellHolder(kind: ServiceKind, serviceId: Uint8Array, hint: Hint): void {
    const node = this.#claims.holder(kind, serviceId)
    if (node === undefined) this.#outbox.tellAll(hint)
    else this.#outbox.tell(node, hint)
  }

  /** Passes a hint on to the holder, if one is known that is not its sender. */
  forward(kind: ServiceKind, serviceId: Uint8Array, hint: Hint, from: string): boolean {
    const node = this.#claims.holder(kind, serviceId)
    if (node === undefined || node === from) return false
    this.#outbox.tell(node, hint)
    return true
  }

  #catchUp(handler: FleetHandler): void {
    this.#claims.repeat()
    this.#outbox.tellAll({ tag: "hello" })
    handler.missed("everything")
  }

  #received(payload: Uint8Array): void {
    // After a pause of the process the channel is full of what was true long ago. The link says when the lease holds
    // again, and that something was missed; nothing is believed until then.
    if (!this.#link.holdsLease()) {
      this.#metrics.stale.value++
      return
    }
    let decoded: ReturnType<typeof decodePayload>
    try {
      decoded = decodePayload(payload)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#metrics.malformed.value++
      return
    }
    const { sender, events } = decoded
    this.#metrics.received.value += events.length
    for (const event of events) this.#dispatch(event, sender)
  }

  #dispatch(event: FleetEvent, from: string): void {
    switch (event.tag) {
      case "claimed":
        this.#claims.claimed(event, from)
        return
      case "released":
        this.#claims.released(event, from)
        return
      case "hello":
        this.#claims.introduce(from)
        return
      case "missed":
        this.#claims.repeat()
        this.#handler?.missed("everything")
        return
      case "leaving":
        if (this.#leaving.size < LEAVING) this.#leaving.add(from)
        return
      default:
        this.#handler?.hint(event, from)
    }
  }
}
