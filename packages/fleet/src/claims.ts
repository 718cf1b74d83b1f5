import { idKey } from "@sluice/encoding/bytes"
import type { Clock, Timer } from "@sluice/ops/clock"
import { type ClaimKind, type FleetEvent, MAX_IDS, type ServiceKind } from "./events.ts"
import type { NodeLink } from "./node-link.ts"

/** What claims need of their node. */
export interface ClaimsParts {
  readonly link: Pick<NodeLink, "node" | "nextOrder">
  readonly clock: Clock
  readonly tell: (node: string, event: FleetEvent) => void
  readonly tellAll: (event: FleetEvent) => void
  /** A claim of this node was overtaken by a later one of that node. */
  readonly onLost: (kind: ClaimKind, id: Uint8Array, to: string) => void
  readonly onError: (error: unknown) => void
}

interface Claim {
  readonly kind: ClaimKind
  readonly id: Uint8Array
  /** Absent until the fleet gave one. */
  order: number | undefined
  /** The latest claim of others that came meanwhile. */
  rival: { readonly order: number; readonly node: string } | undefined
}

/** Waiting time before an order is asked for again, milliseconds. */
const RETRY = 500

/**
 * Subscriptions that the store knows nothing of: who receives for a service, and for a notifier. The latest claim wins;
 * what is later, an order tells that all nodes draw from one place.
 *
 * Every node keeps its own claims, and of the others' only those of services, which are few and needed with every message.
 * A node that hears an earlier claim than its own answers with its own, so whoever missed something learns it when it
 * repeats its claims.
 */
export class Claims {
  readonly #parts: ClaimsParts
  readonly #own = new Map<string, Claim>()
  readonly #holders = new Map<string, { readonly node: string; readonly order: number }>()
  /** Claims without an order yet. */
  #waiting: Claim[] = []
  #asking = false
  #failing = false
  #retry: Timer | undefined
  #stopped = false

  constructor(parts: ClaimsParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#own.size
  }

  /** This node has the subscription now. Others hear of it soon; they win only with a later claim. */
  claim(kind: ClaimKind, id: Uint8Array): void {
    const claim: Claim = { kind, id: id.slice(), order: undefined, rival: undefined }
    this.#own.set(keyOf(kind, id), claim)
    this.#ask(claim)
  }

  /** Ends what others claim without claiming it: the notifier went to a service. */
  displace(kind: ClaimKind, id: Uint8Array): void {
    this.#ask({ kind, id: id.slice(), order: undefined, rival: undefined })
  }

  /** The subscription ended with its connection. */
  release(kind: ClaimKind, id: Uint8Array): void {
    const key = keyOf(kind, id)
    const claim = this.#own.get(key)
    if (claim === undefined) return
    this.#own.delete(key)
    if (kind === "notifier" || claim.order === undefined) return
    this.#parts.tellAll({ tag: "released", kind, order: claim.order, serviceId: claim.id })
  }

  /** The other node that receives for a service, as far as is known. */
  holder(kind: ServiceKind, serviceId: Uint8Array): string | undefined {
    return this.#holders.get(keyOf(kind, serviceId))?.node
  }

  /** Another node claims. */
  claimed({ kind, order, ids }: Extract<FleetEvent, { tag: "claimed" }>, from: string): void {
    for (const id of ids) {
      const key = keyOf(kind, id)
      const own = this.#own.get(key)
      if (own === undefined) this.#hold(kind, key, from, order)
      else if (own.order === undefined) {
        if (own.rival === undefined || own.rival.order < order) own.rival = { order, node: from }
      } else if (own.order < order) this.#lose(key, own, from, order)
      else this.#parts.tell(from, { tag: "claimed", kind, order: own.order, ids: [own.id] })
    }
  }

  released({ kind, order, serviceId }: Extract<FleetEvent, { tag: "released" }>, from: string): void {
    const key = keyOf(kind, serviceId)
    const holder = this.#holders.get(key)
    if (holder?.node === from && holder.order <= order) this.#holders.delete(key)
  }

  /** A node is gone, and with it what it held. */
  ended(node: string): void {
    for (const [key, holder] of this.#holders) if (holder.node === node) this.#holders.delete(key)
  }

  /** Repeats the claims of services to a node that asks. */
  introduce(node: string): void {
    for (const { kind, id, order } of this.#own.values()) {
      if (kind !== "notifier" && order !== undefined) this.#parts.tell(node, { tag: "claimed", kind, order, ids: [id] })
    }
  }

  /** Repeats all claims to all, after something may have been missed here or there. */
  repeat(): void {
    const groups = new Map<string, { kind: ClaimKind; order: number; ids: Uint8Array[] }>()
    for (const { kind, id, order } of this.#own.values()) {
      if (order === undefined) continue
      const name = `${kind} ${order}`
      const group = groups.get(name)
      if (group === undefined) groups.set(name, { kind, order, ids: [id] })
      else group.ids.push(id)
    }
    for (const { kind, order, ids } of groups.values()) this.#announce(kind, order, ids)
  }

  stop(): void {
    this.#stopped = true
    this.#retry?.cancel()
  }

  #ask(claim: Claim): void {
    this.#waiting.push(claim)
    if (this.#asking || this.#stopped) return
    this.#asking = true
    setImmediate(() => this.#draw())
  }

  /** One order for all that wait: among themselves they do not compete. */
  #draw(): void {
    const batch = this.#waiting
    this.#waiting = []
    this.#parts.link.nextOrder().then(
      (order) => {
        this.#asking = false
        this.#failing = false
        if (this.#stopped) return
        this.#ordered(batch, order)
        this.#again()
      },
      (error: unknown) => {
        if (this.#stopped) return
        if (!this.#failing) this.#parts.onError(error)
        this.#failing = true
        this.#waiting = [...batch, ...this.#waiting]
        this.#retry = this.#parts.clock.setTimeout(() => this.#draw(), RETRY, { background: true })
      },
    )
  }

  #again(): void {
    if (this.#waiting.length === 0 || this.#asking) return
    this.#asking = true
    setImmediate(() => this.#draw())
  }

  #ordered(batch: readonly Claim[], order: number): void {
    const won: Record<ClaimKind, Uint8Array[]> = { messages: [], notifications: [], notifier: [] }
    for (const claim of batch) {
      const key = keyOf(claim.kind, claim.id)
      const own = this.#own.get(key)
      // Taken back, or claimed once more, while it waited.
      if (own !== undefined && own !== claim) continue
      if (claim.rival !== undefined && claim.rival.order > order) {
        this.#lose(key, claim, claim.rival.node, claim.rival.order)
        continue
      }
      claim.order = order
      if (own === claim) this.#holders.delete(key)
      won[claim.kind].push(claim.id)
    }
    for (const kind of ["messages", "notifications", "notifier"] as const) this.#announce(kind, order, won[kind])
  }

  #announce(kind: ClaimKind, order: number, ids: readonly Uint8Array[]): void {
    for (let at = 0; at < ids.length; at += MAX_IDS) {
      this.#parts.tellAll({ tag: "claimed", kind, order, ids: ids.slice(at, at + MAX_IDS) })
    }
  }

  #lose(key: string, { kind, id }: Claim, to: string, order: number): void {
    this.#own.delete(key)
    this.#hold(kind, key, to, order)
    this.#parts.onLost(kind, id, to)
  }

  #hold(kind: ClaimKind, key: string, node: string, order: number): void {
    if (kind === "notifier") return
    const known = this.#holders.get(key)
    if (known === undefined || known.order < order) this.#holders.set(key, { node, order })
  }
}

function keyOf(kind: ClaimKind, id: Uint8Array): string {
  return `${kind} ${idKey(id)}`
}
