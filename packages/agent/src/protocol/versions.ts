import type { Version, VersionRange } from "@sluice/encoding/version"
import { paddedMessageLength } from "@sluice/ratchet/sizes"

/** First agent version of each change (agent.md §1). */
export const AGENT_VERSION = {
  /** The reply queue is inside of the first confirmation; the oldest version still spoken. */
  DUPLEX_HANDSHAKE: 2,
  /** Ratchets can be made anew. */
  RATCHET_SYNC: 3,
  /** Delivery receipts. */
  RECEIPTS: 4,
  /** Post-quantum ratchet; smaller messages where it is on. */
  PQ_RATCHET: 5,
  /** The sender secures the queue with the key it supplies. */
  SENDER_SECURES: 6,
  /** The initiator has its ratchet as soon as it receives the confirmation, so that the joiner may send at once. */
  RATCHET_ON_CONFIRMATION: 7,
} as const

/** What this agent offers. */
export const AGENT_RANGE: VersionRange = { min: 2, max: 7 }

/** The version of a connection after a message of version `received`: it rises, and never falls. */
export function raisedVersion(current: Version, received: Version, own: VersionRange): Version {
  return Math.max(current, Math.min(received, own.max))
}

/** Whether a message of this version may be read: in the own range, or one that was agreed before. */
export function isAcceptable(received: Version, own: VersionRange, agreed: Version): boolean {
  return received <= agreed || (received >= own.min && received <= own.max)
}

/** Bytes of `pad`'s length prefix, and of an `A_MSG` around its body with a hash of 32 bytes. */
const MESSAGE_OVERHEAD = 2 + 43

/** Longest body of an `A_MSG`: 15795 bytes, 13573 with PQ (agent.md §4). */
export function maxBodyLength(version: Version, pq: boolean): number {
  return paddedMessageLength(version, pq) - MESSAGE_OVERHEAD
}
