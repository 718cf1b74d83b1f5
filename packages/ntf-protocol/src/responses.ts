import { readKey, writeKey, type X25519Key } from "@sluice/crypto/keys"
import { fromLatin1, fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import { Writer } from "@sluice/encoding/writer"
import { readSmpError, writeSmpError } from "@sluice/smp-protocol/error-wire"
import { CommandError, commandError, type SmpError } from "@sluice/smp-protocol/errors"
import type { EntityId } from "@sluice/smp-protocol/types"
import {
  formatSubscriptionStatus,
  formatTokenStatus,
  parseSubscriptionStatus,
  parseTokenStatus,
  type SubscriptionStatus,
  type TokenStatus,
} from "./status.ts"

/** Answers of a notification server (notifications.md §3.1). Byte fields of decoded ones are views on the input. */
export type NtfResponse =
  /** Answer to `TNEW`. */
  | { readonly tag: "IDTKN"; readonly tokenId: EntityId; readonly dhKey: X25519Key }
  /** Answer to `SNEW`. */
  | { readonly tag: "IDSUB"; readonly subscriptionId: EntityId }
  | { readonly tag: "OK" }
  /** Answer to `TCHK`. */
  | { readonly tag: "TKN"; readonly status: TokenStatus }
  /** Answer to `SCHK`. */
  | { readonly tag: "SUB"; readonly status: SubscriptionStatus }
  | { readonly tag: "PONG" }
  | { readonly tag: "ERR"; readonly error: SmpError }

export type NtfResponseTag = NtfResponse["tag"]

/** The response with this tag. */
export type NtfResponseOf<T extends NtfResponseTag> = Extract<NtfResponse, { tag: T }>

const TAGS: ReadonlySet<string> = new Set<NtfResponseTag>(["IDTKN", "IDSUB", "OK", "TKN", "SUB", "PONG", "ERR"])
const SPACE = 0x20

/** Bytes of a response in the form of this version. Throws `EncodeError` for values that have no encoding. */
export function encodeNtfResponse(response: NtfResponse, version: Version): Uint8Array {
  const w = new Writer(128).ascii(response.tag)
  switch (response.tag) {
    case "IDTKN":
      writeKey(w.space().short(response.tokenId), response.dhKey)
      break
    case "IDSUB":
      w.space().short(response.subscriptionId)
      break
    case "TKN":
      w.space().ascii(formatTokenStatus(response.status, version))
      break
    case "SUB":
      w.space().raw(utf8(formatSubscriptionStatus(response.status)))
      break
    case "ERR":
      writeSmpError(w.space(), response.error)
      break
    default:
      // the tag says it all
      response satisfies { readonly tag: "OK" | "PONG" }
  }
  return w.finish()
}

/** Reads a response that fills `bytes`; the same at every version. Throws `CommandError` and nothing else. */
export function decodeNtfResponse(bytes: Uint8Array): NtfResponse {
  const r = new Reader(bytes)
  const tag = fromLatin1(r.takeUntil(SPACE))
  if (!isTag(tag)) throw new CommandError("UNKNOWN")
  try {
    const response = readParameters(tag, r)
    r.end()
    return response
  } catch (error) {
    if (error instanceof DecodeError) throw new CommandError("SYNTAX")
    throw error
  }
}

/** The error for a response with or without an entity where it must not be so, otherwise `undefined`. */
export function checkNtfEntity(tag: NtfResponseTag, hasEntity: boolean): SmpError | undefined {
  switch (tag) {
    case "IDTKN":
    case "IDSUB":
    case "PONG":
      return hasEntity ? commandError("HAS_AUTH") : undefined
    case "OK":
    case "TKN":
    case "SUB":
      return hasEntity ? undefined : commandError("NO_ENTITY")
    case "ERR":
      return undefined
  }
}

function isTag(tag: string): tag is NtfResponseTag {
  return TAGS.has(tag)
}

function readParameters(tag: NtfResponseTag, r: Reader): NtfResponse {
  if (tag === "OK" || tag === "PONG") return { tag }
  r.space(tag)
  switch (tag) {
    case "IDTKN":
      return { tag, tokenId: r.short("token id"), dhKey: readKey(r, "x25519", "DH key") }
    case "IDSUB":
      return { tag, subscriptionId: r.short("subscription id") }
    case "TKN":
      return { tag, status: parseTokenStatus(fromLatin1(r.tail())) }
    case "SUB":
      return { tag, status: parseSubscriptionStatus(fromUtf8(r.tail())) }
    case "ERR":
      return { tag, error: readSmpError(r) }
  }
}
