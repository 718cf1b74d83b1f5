import { LinkError, type LinkHandler, type NodeLink } from "./node-link.ts"

/** What can happen to a node, for tests. */
export interface MemoryFaults {
  /** Nothing reaches the node or leaves it, and others don't see it. The lease stays. */
  cut(node: string): void
  /** Ends a cut: the node hears that it was interrupted. */
  heal(node: string): void
  /** The node stands still longer than its lease: others see it end, what is published waits in its channel. */
  pause(node: string): void
  /** The node goes on: it gets what waited, and then finds out that it lost its lease. */
  resume(node: string): void
  /** The node is gone without a word. */
  kill(node: string): void
}

/**
 * Nodes of one process: for tests of what several relays do together. Payloads arrive in a later microtask, in order, and
 * leases need no renewal.
 */
export class MemoryHub implements MemoryFaults {
  readonly #members = new Map<string, MemoryLink>()
  #order = 0

  /** A node of this fleet; it takes part from `start` on. */
  link(node: string): NodeLink {
    return new MemoryLink(node, this)
  }

  cut(node: string): void {
    this.#member(node).cut = true
  }

  heal(node: string): void {
    const member = this.#member(node)
    member.cut = false
    member.call((handler) => handler.interrupted())
  }

  pause(node: string): void {
    const member = this.#member(node)
    member.paused = []
    for (const other of this.#othersOf(node)) other.forget(node)
  }

  resume(node: string): void {
    const member = this.#member(node)
    const waiting = member.paused ?? []
    for (const payload of waiting) member.call((handler) => handler.received(payload))
    member.call((handler) => {
      member.paused = undefined
      for (const other of this.#othersOf(node)) other.meet(node)
      handler.leaseLost()
    })
  }

  kill(node: string): void {
    this.#member(node).gone()
    this.leave(node)
  }

  /** For the links: a node takes part, and learns who else does. */
  join(link: MemoryLink): void {
    if (this.#members.has(link.node)) throw new Error("two nodes of one name")
    for (const other of this.#members.values()) {
      other.meet(link.node)
      link.meet(other.node)
    }
    this.#members.set(link.node, link)
  }

  leave(node: string): void {
    if (!this.#members.delete(node)) return
    for (const other of this.#members.values()) other.forget(node)
  }

  deliver(from: MemoryLink, to: string | undefined, payload: Uint8Array): Promise<void> {
    if (from.cut || !this.#members.has(from.node)) return Promise.reject(new LinkError("the node is cut off"))
    const copy = payload.slice()
    for (const member of to === undefined ? this.#othersOf(from.node) : [this.#members.get(to)]) member?.arrive(copy)
    return Promise.resolve()
  }

  nextOrder(from: MemoryLink): Promise<number> {
    return from.cut ? Promise.reject(new LinkError("the node is cut off")) : Promise.resolve(++this.#order)
  }

  #othersOf(node: string): MemoryLink[] {
    return [...this.#members.values()].filter((member) => member.node !== node)
  }

  #member(node: string): MemoryLink {
    const member = this.#members.get(node)
    if (member === undefined) throw new Error("no such node in the fleet")
    return member
  }
}

class MemoryLink implements NodeLink {
  readonly direct = true
  readonly node: string
  readonly #hub: MemoryHub
  readonly #others = new Set<string>()
  #handler: LinkHandler | undefined
  cut = false
  /** Payloads that wait while the node stands still. */
  paused: Uint8Array[] | undefined

  constructor(node: string, hub: MemoryHub) {
    this.node = node
    this.#hub = hub
  }

  get others(): ReadonlySet<string> {
    return this.#others
  }

  holdsLease(): boolean {
    return this.#handler !== undefined && this.paused === undefined
  }

  start(handler: LinkHandler): Promise<void> {
    this.#handler = handler
    this.#hub.join(this)
    return Promise.resolve()
  }

  stop(): Promise<void> {
    this.gone()
    this.#hub.leave(this.node)
    return Promise.resolve()
  }

  publish(node: string, payload: Uint8Array): Promise<void> {
    return this.#hub.deliver(this, node, payload)
  }

  broadcast(payload: Uint8Array): Promise<void> {
    return this.#hub.deliver(this, undefined, payload)
  }

  nextOrder(): Promise<number> {
    return this.#hub.nextOrder(this)
  }

  arrive(payload: Uint8Array): void {
    if (this.cut) return
    if (this.paused !== undefined) this.paused.push(payload)
    else this.call((handler) => handler.received(payload))
  }

  meet(node: string): void {
    this.#others.add(node)
    this.call((handler) => handler.joined(node))
  }

  forget(node: string): void {
    if (this.#others.delete(node)) this.call((handler) => handler.ended(node))
  }

  gone(): void {
    this.#handler = undefined
    this.#others.clear()
  }

  call(run: (handler: LinkHandler) => void): void {
    queueMicrotask(() => {
      if (this.#handler !== undefined) run(this.#handler)
    })
  }
}
