import type { VersionRange } from "@sluice/encoding/version"

/** Policy of a relay. Every quantity that the reference treats as a constant is a setting with its value as default. */
export interface RelayPolicy {
  /** Versions that are offered when the client negotiates ALPN. */
  readonly versions: VersionRange
  /** Messages that a queue holds before it refuses more. */
  readonly messageQuota: number
  /** Life of a message, seconds. */
  readonly messageTtl: number
  /** Seconds between two rounds of removing old messages. */
  readonly messageCheckInterval: number
  /** Remove old messages at the start. */
  readonly expireOnStart: boolean
  /** Remove old messages of a queue when a message is sent to it. */
  readonly expireOnSend: boolean
  /** Life of a notification that nobody received, seconds. */
  readonly notificationTtl: number
  readonly notificationCheckInterval: number
  /** Seconds that notifications wait to be sent together. */
  readonly notificationInterval: number
  /** Seconds that END, ENDS and DELD wait to be sent together. */
  readonly endInterval: number
  /** Life of the link data of a one-time invitation that nobody used, seconds; absent: no end. */
  readonly invitationTtl?: number | undefined
  /** Password that NEW and PRXY need. */
  readonly password?: string | undefined
  /** Whether queues may be created. */
  readonly newQueues: boolean
}

/**
 * What the reference server does when nothing is configured (relay-operations.md §3), but for the notifications: it gathers
 * them for 1.5 s, with which no push arrives within a second of its message. The block that a service then gets every
 * 250 ms has all notifications of that time, some 80 at the most, so only those who get few get smaller blocks.
 */
export const DEFAULT_POLICY: RelayPolicy = {
  versions: { min: 6, max: 20 },
  messageQuota: 128,
  messageTtl: 21 * 86_400,
  messageCheckInterval: 2 * 3_600,
  expireOnStart: true,
  expireOnSend: true,
  notificationTtl: 86_400,
  notificationCheckInterval: 3_600,
  notificationInterval: 0.25,
  endInterval: 15,
  newQueues: true,
}
