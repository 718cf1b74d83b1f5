import { readPrivateKey, writePrivateKey } from "@sluice/crypto/keys"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import type { NotifierKey } from "@sluice/ntf-protocol/commands"
import { formatSubscriptionStatus, parseSubscriptionStatus, type SubscriptionStatus } from "@sluice/ntf-protocol/status"
import type { EntityId } from "@sluice/smp-protocol/types"

/** A queue of a relay as it is stored beside its relay; some 130 bytes. */
export interface StoredQueue {
  readonly tokenId: EntityId
  readonly subscriptionId: EntityId
  readonly notifierKey: NotifierKey
  readonly status: SubscriptionStatus
  /** The relay's epoch in which it was associated, 0 if it was not. */
  readonly association: number
}

const VERSION = 1

export function encodeQueue({ tokenId, subscriptionId, notifierKey, status, association }: StoredQueue): Uint8Array {
  return encodeWith((w) => {
    w.u8(VERSION).short(tokenId).short(subscriptionId)
    writePrivateKey(w, notifierKey)
    w.short(utf8(formatSubscriptionStatus(status))).u32(association)
  }, 192)
}

/** Gives views on `stored`. Throws `DecodeError`. */
export function decodeQueue(stored: Uint8Array): StoredQueue {
  const r = new Reader(stored)
  if (r.u8("version") !== VERSION) throw new DecodeError("stored record: of another version")
  const [tokenId, subscriptionId] = [r.short("token id"), r.short("subscription id")]
  const notifierKey = readPrivateKey(r)
  if (notifierKey.algorithm === "x448") throw new DecodeError("stored record: not a notifier key")
  const status = parseSubscriptionStatus(fromUtf8(r.short("status")))
  return { tokenId, subscriptionId, notifierKey, status, association: r.u32("association") }
}
