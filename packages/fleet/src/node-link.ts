/** What a link tells its node. Everything is called from outside of the node's own calls, never within them. */
export interface LinkHandler {
  /** A payload that another node published to this one, or to all. It may be kept: nothing overwrites it. */
  received(payload: Uint8Array): void
  /** Payloads to this node may have been lost: its channel was cut, or was too far behind. */
  interrupted(): void
  /** A node has a lease that had none. */
  joined(node: string): void
  /** The lease of another node ended: it stopped, died, or was not heard of for the time of a lease. */
  ended(node: string): void
  /**
   * This node's own lease had ended, because it did not renew it in time; it has a new one under the same name by now.
   * Others have believed it dead, and payloads to it may have been lost.
   */
  leaseLost(): void
}

/** Channels between nodes. A payload is a hint: it arrives once or not at all, in order as far as one sender goes. */
export interface Bus {
  /**
   * Whether a payload to one node costs nobody else anything, so that it may be large: messages are carried only then.
   */
  readonly direct: boolean
  /** Publishes to one node; to a node that is gone, nothing happens. Rejects when the payload did not get out. */
  publish(node: string, payload: Uint8Array): Promise<void>
  /** Publishes to all other nodes. */
  broadcast(payload: Uint8Array): Promise<void>
  /**
   * A whole number greater than all that any node was given before, for the order of claims. Rejects like `publish`.
   */
  nextOrder(): Promise<number>
}

/** Who is alive. */
export interface Leases {
  /** Name of this node, unique in the fleet for the life of its process. */
  readonly node: string
  /** The other nodes with a lease, as far as is known here. */
  readonly others: ReadonlySet<string>
  /**
   * Whether this node's lease surely holds at this moment, by its own monotonic clock. `false` after a pause of the process
   * until the link has found out: what comes from the channel then may be long out of date.
   */
  holdsLease(): boolean
}

/**
 * How one node reaches the others: a channel and a lease. Three things implement it, under one contract
 * (`test/contract.ts`): memory, Redis, and the workers of one machine.
 */
export interface NodeLink extends Bus, Leases {
  /** Takes the lease and opens the channel. Rejects when that is not possible. */
  start(handler: LinkHandler): Promise<void>
  /** Gives the lease up, so that others see it at once, and closes the channel. Calling it again does nothing. */
  stop(): Promise<void>
}

/** What was to be published did not get out, or no order was given: the link is cut. It recovers by itself. */
export class LinkError extends Error {
  override readonly name = "LinkError"
}

/** Longest payload, bytes. */
export const MAX_PAYLOAD = 65_536
/** Longest name of a node, bytes of ASCII. */
export const MAX_NODE_NAME = 64
