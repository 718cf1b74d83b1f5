import { Reader } from "@sluice/encoding/reader"
import { Writer } from "@sluice/encoding/writer"

/** What the resolver hands to the page: everything that a relay says about a link, still sealed. */
export interface LinkAnswer {
  /** Sender ID of the link's queue, 24 bytes. */
  readonly senderId: Uint8Array
  /** Sealed fixed data, 2048 bytes. */
  readonly fixed: Uint8Array
  /** Sealed user data, 13824 bytes. */
  readonly user: Uint8Array
  /** The relay that it came from, as the resolver is configured: `smp://…`. */
  readonly relay: string
}

/** Media type of an encoded answer. */
export const LINK_ANSWER_TYPE = "application/octet-stream"

/** `str8(senderId) ‖ str16(fixed) ‖ str16(user) ‖ str16(relay)`: the relay's LNK (short-links.md §5), and whose it is. */
export function encodeLinkAnswer({ senderId, fixed, user, relay }: LinkAnswer): Uint8Array {
  return new Writer().short(senderId).large(fixed).large(user).large(new TextEncoder().encode(relay)).finish()
}

/** Reads an encoded answer; the parts are views. Throws `DecodeError`. */
export function decodeLinkAnswer(bytes: Uint8Array): LinkAnswer {
  const r = new Reader(bytes)
  const answer = {
    senderId: r.short("senderId"),
    fixed: r.large("fixed"),
    user: r.large("user"),
    relay: new TextDecoder().decode(r.large("relay")),
  }
  r.end()
  return answer
}
