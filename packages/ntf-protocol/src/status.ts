import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { Version } from "@sluice/encoding/version"
import { NTF_VERSION } from "./versions.ts"

/** Why a push service does not know a token (notifications.md §3.4). */
export type InvalidReason = "BAD" | "TOPIC" | "EXPIRED" | "UNREGISTERED"

/** Status of a registration. `NEW` is a client's, `EXPIRED` no server's any more; both are only read. */
export type TokenStatus =
  | { readonly type: "NEW" | "REGISTERED" | "CONFIRMED" | "ACTIVE" | "EXPIRED" }
  | { readonly type: "INVALID"; readonly reason?: InvalidReason | undefined }

/** Status of a subscription at its relay (notifications.md §3.4, §5.2). */
export type SubscriptionStatus =
  | { readonly type: "NEW" | "PENDING" | "ACTIVE" | "INACTIVE" | "END" | "DELETED" | "AUTH" | "SERVICE" }
  | { readonly type: "ERR"; readonly text: string }

const TOKEN_WORDS = ["NEW", "REGISTERED", "CONFIRMED", "ACTIVE", "EXPIRED"] as const
const REASONS: readonly InvalidReason[] = ["BAD", "TOPIC", "EXPIRED", "UNREGISTERED"]
const SUBSCRIPTION_WORDS = ["NEW", "PENDING", "ACTIVE", "INACTIVE", "END", "DELETED", "AUTH", "SERVICE"] as const
const INVALID = "INVALID"
const ERR = "ERR "
/** Longest free text of a subscription's error, in bytes: the response must fit into a block. */
const MOST_TEXT = 200

/** The text of a status, on the wire and in stores; below v3 without the reason. */
export function formatTokenStatus(status: TokenStatus, version: Version = NTF_VERSION.INVALID_REASON): string {
  if (status.type !== INVALID || status.reason === undefined || version < NTF_VERSION.INVALID_REASON) return status.type
  return `${INVALID},${status.reason}`
}

/** Reads the text of a status. Throws `DecodeError`. */
export function parseTokenStatus(text: string): TokenStatus {
  const type = TOKEN_WORDS.find((word) => word === text)
  if (type !== undefined) return { type }
  if (text === INVALID) return { type: INVALID }
  const reason = REASONS.find((word) => text === `${INVALID},${word}`)
  if (reason === undefined) throw new DecodeError("token status: unknown")
  return { type: INVALID, reason }
}

/** The text of a status; that of an error is cut to 200 bytes of UTF-8. */
export function formatSubscriptionStatus(status: SubscriptionStatus): string {
  return status.type === "ERR" ? ERR + cut(status.text) : status.type
}

/** Reads the text of a status. Throws `DecodeError`. */
export function parseSubscriptionStatus(text: string): SubscriptionStatus {
  const type = SUBSCRIPTION_WORDS.find((word) => word === text)
  if (type !== undefined) return { type }
  if (!text.startsWith(ERR)) throw new DecodeError("subscription status: unknown")
  return { type: "ERR", text: text.slice(ERR.length) }
}

/** Whether `TVFY` may succeed in this status (notifications.md §3.5). */
export function allowsVerification({ type }: TokenStatus): boolean {
  return type === "REGISTERED" || type === "CONFIRMED" || type === "ACTIVE"
}

/** Whether `SNEW`, `SCHK` and `SDEL` are allowed in this status (notifications.md §3.5). */
export function allowsSubscriptions({ type }: TokenStatus): boolean {
  return type === "ACTIVE" || type === "INVALID" || type === "EXPIRED"
}

/** Whether a server subscribes again at start and on reconnection. (6.5 did so with `SERVICE` as well, 7.0 does not.) */
export function isSubscribable({ type }: SubscriptionStatus): boolean {
  return type === "NEW" || type === "PENDING" || type === "ACTIVE" || type === "INACTIVE"
}

function cut(text: string): string {
  const bytes = utf8(text)
  if (bytes.length <= MOST_TEXT) return text
  let end = MOST_TEXT
  // Not inside a character: what follows must not be a continuation byte.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return fromUtf8(bytes.subarray(0, end))
}
