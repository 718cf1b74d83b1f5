import { type BoxKey, type CryptoBackend, TAG_SIZE } from "@sluice/crypto/backend"
import { cbNonce, openPadded, reverseNonce, sealPadded } from "@sluice/crypto/box"
import { readKey, writeKey, type X25519Key } from "@sluice/crypto/keys"
import { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import { Writer } from "@sluice/encoding/writer"
import { attempt } from "./attempt.ts"
import type { CorrId } from "./types.ts"

/*
 * The two layers around a forwarded command (proxy.md §5). Layer 1 is between client and relay, padded; its nonce is the
 * correlation id of `PFWD`. Layer 2 is between proxy and relay, not padded; its nonce is the correlation id of `RFWD`.
 * Responses use the same secrets and the reversed nonces.
 */

/** Padded bytes of the block inside layer 1, request and response. */
export const FORWARDED_PADDED = 16_226
/** Bytes of a layer 1 box: what `PFWD` and `PRES` carry. */
export const FORWARDED_LENGTH = 16_242
/** Longest content of the block inside. */
export const MAX_FORWARDED_CONTENT = 16_224

/** Which way a box goes. */
export type Direction = "request" | "response"

function nonceFor(corrId: CorrId, direction: Direction): Uint8Array {
  const nonce = cbNonce(corrId)
  return direction === "request" ? nonce : reverseNonce(nonce)
}

/**
 * Layer 1: encrypts the content of a block with a single transmission, 16242 bytes. `key` is the box key of the client's
 * ephemeral key and the relay's session key, `corrId` that of `PFWD`. Throws `EncodeError` for more than 16224 bytes.
 */
export function sealForwarded(
  c: CryptoBackend,
  key: BoxKey,
  corrId: CorrId,
  direction: Direction,
  content: Uint8Array,
): Uint8Array {
  return sealPadded(c, key, nonceFor(corrId, direction), content, FORWARDED_PADDED)
}

/** Opens layer 1; `undefined` if it does not decrypt or un-pad. */
export function openForwarded(
  c: CryptoBackend,
  key: BoxKey,
  corrId: CorrId,
  direction: Direction,
  box: Uint8Array,
): Uint8Array | undefined {
  return openPadded(c, key, nonceFor(corrId, direction), box)
}

/** What a proxy tells the relay: the parts of `PFWD`. */
export interface ForwardedRequest {
  readonly corrId: CorrId
  readonly version: Version
  readonly key: X25519Key
  /** Layer 1. */
  readonly box: Uint8Array
}

/** What the relay tells the proxy. */
export interface ForwardedResponse {
  /** Of the request; proxies ignore it. */
  readonly corrId: CorrId
  /** Layer 1. */
  readonly box: Uint8Array
}

/** `short corrId ‖ u16 version ‖ short key ‖ box`, the content of layer 2 in `RFWD`. */
export function writeForwardedRequest(w: Writer, request: ForwardedRequest): void {
  writeKey(w.short(request.corrId).u16(request.version), request.key)
  w.raw(request.box)
}

/** Reads the content of layer 2 in `RFWD`; the box is a view. Throws `DecodeError`. */
export function decodeForwardedRequest(bytes: Uint8Array): ForwardedRequest {
  const r = new Reader(bytes)
  const corrId = r.short("correlation id")
  const version = r.u16("version")
  return { corrId, version, key: readKey(r, "x25519", "client key"), box: r.tail() }
}

/** `short corrId ‖ box`, the content of layer 2 in `RRES`. */
export function writeForwardedResponse(w: Writer, response: ForwardedResponse): void {
  w.short(response.corrId).raw(response.box)
}

/** Reads the content of layer 2 in `RRES`; the box is a view. Throws `DecodeError`. */
export function decodeForwardedResponse(bytes: Uint8Array): ForwardedResponse {
  const r = new Reader(bytes)
  return { corrId: r.short("correlation id"), box: r.tail() }
}

/**
 * Layer 2 of a request: encrypts what the proxy passes on, without padding; 16330 bytes for a box of normal size. `key`
 * is the box key of the session secret of the connection between proxy and relay, `corrId` that of `RFWD`.
 */
export function sealRequest(c: CryptoBackend, key: BoxKey, corrId: CorrId, request: ForwardedRequest): Uint8Array {
  const length = 1 + request.corrId.length + 2 + 45 + request.box.length
  return sealHop(c, key, nonceFor(corrId, "request"), length, (w) => writeForwardedRequest(w, request))
}

/** Layer 2 of a response, 16283 bytes for a box of normal size; the same key and correlation id as the request's. */
export function sealResponse(c: CryptoBackend, key: BoxKey, corrId: CorrId, response: ForwardedResponse): Uint8Array {
  const length = 1 + response.corrId.length + response.box.length
  return sealHop(c, key, nonceFor(corrId, "response"), length, (w) => writeForwardedResponse(w, response))
}

/** Why a layer 2 box cannot be used: `CRYPTO` if it does not decrypt, `SYNTAX` if its content does not parse. */
export type EnvelopeProblem = "CRYPTO" | "SYNTAX"

/** Opens layer 2 of a request at the relay. */
export function openRequest(
  c: CryptoBackend,
  key: BoxKey,
  corrId: CorrId,
  box: Uint8Array,
): ForwardedRequest | EnvelopeProblem {
  return openHop(c, key, nonceFor(corrId, "request"), box, decodeForwardedRequest)
}

/** Opens layer 2 of a response at the proxy. */
export function openResponse(
  c: CryptoBackend,
  key: BoxKey,
  corrId: CorrId,
  box: Uint8Array,
): ForwardedResponse | EnvelopeProblem {
  return openHop(c, key, nonceFor(corrId, "response"), box, decodeForwardedResponse)
}

/** Writes `length` bytes and encrypts them where they are. */
function sealHop(
  c: CryptoBackend,
  key: BoxKey,
  nonce: Uint8Array,
  length: number,
  write: (w: Writer) => void,
): Uint8Array {
  const box = new Uint8Array(TAG_SIZE + length)
  const plain = box.subarray(TAG_SIZE)
  write(new Writer(plain))
  return c.seal(key, nonce, plain, box)
}

function openHop<T>(
  c: CryptoBackend,
  key: BoxKey,
  nonce: Uint8Array,
  box: Uint8Array,
  decode: (plain: Uint8Array) => T,
): T | EnvelopeProblem {
  const plain = c.open(key, nonce, box)
  return plain === undefined ? "CRYPTO" : (attempt(() => decode(plain)) ?? "SYNTAX")
}
