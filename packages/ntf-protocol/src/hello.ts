import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair, PrivateKey, PublicKey, SignatureAlgorithm, X25519Key } from "@sluice/crypto/keys"
import { signKey, verifySignedKey } from "@sluice/crypto/signed-object"
import { equalBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import {
  intersect,
  isCompatible,
  readVersionRange,
  type Version,
  type VersionRange,
  writeVersionRange,
} from "@sluice/encoding/version"
import { encodeWith, Writer } from "@sluice/encoding/writer"
import type { TransportErrorCode } from "@sluice/smp-protocol/errors"
import type { SessionId } from "@sluice/smp-protocol/types"
import { isBatched } from "./versions.ts"

/** First block of a connection, from the server (notifications.md §2.2). */
export interface NtfServerHello {
  readonly range: VersionRange
  /** Channel binding of the connection. */
  readonly sessionId: SessionId
  /** X25519 key of the connection signed with the key of the TLS leaf; absent when `range` ends below v2. */
  readonly signedKey?: Uint8Array | undefined
}

/** Second block, from the client. */
export interface NtfClientHello {
  readonly version: Version
  /** Fingerprint in the server's address, 32 bytes. */
  readonly keyHash: Uint8Array
}

/** The content of the server's block, before padding. */
export function encodeNtfServerHello({ range, sessionId, signedKey }: NtfServerHello): Uint8Array {
  const w = new Writer(256)
  writeVersionRange(w, range)
  w.short(sessionId)
  if (isBatched(range.max) && signedKey !== undefined) w.large(signedKey)
  return w.finish()
}

/** Reads the content of the server's block; bytes after its last field are ignored. Throws `DecodeError`. */
export function decodeNtfServerHello(content: Uint8Array): NtfServerHello {
  const r = new Reader(content)
  const range = readVersionRange(r)
  const sessionId = r.short("session id")
  return isBatched(range.max) ? { range, sessionId, signedKey: r.large("signed key") } : { range, sessionId }
}

/** The content of the client's block, before padding: 35 bytes. */
export function encodeNtfClientHello({ version, keyHash }: NtfClientHello): Uint8Array {
  return encodeWith((w) => w.u16(version).short(keyHash))
}

/** Reads the content of the client's block; bytes after its last field are ignored. Throws `DecodeError`. */
export function decodeNtfClientHello(content: Uint8Array): NtfClientHello {
  const r = new Reader(content)
  return { version: r.u16("version"), keyHash: r.short("key hash") }
}

/** The server's hello with a fresh key of the connection, where the range has one. */
export function ntfServerHello(
  c: CryptoBackend,
  leafKey: PrivateKey<SignatureAlgorithm>,
  hello: Omit<NtfServerHello, "signedKey">,
  sessionKey: KeyPair<"x25519">,
): Uint8Array {
  return encodeNtfServerHello({ ...hello, signedKey: signKey(c, leafKey, sessionKey.publicKey) })
}

/** What one side of a handshake found: something good, or why the connection is to be closed. */
export type Judged<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: TransportErrorCode }

/** The server's judgement of a client's hello: the version of the session (notifications.md §2.2). */
export function judgeNtfClientHello(content: Uint8Array, keyHash: Uint8Array, range: VersionRange): Judged<Version> {
  const hello = decoded(() => decodeNtfClientHello(content))
  if (hello === undefined) return { ok: false, error: "HANDSHAKE PARSE" }
  if (!equalBytes(hello.keyHash, keyHash)) return { ok: false, error: "HANDSHAKE IDENTITY" }
  return isCompatible(hello.version, range) ? { ok: true, value: hello.version } : { ok: false, error: "VERSION" }
}

/** What a client knows after the server's hello. */
export interface NtfAgreement {
  readonly version: Version
  readonly serverRange: VersionRange
  /** X25519 authenticators are made for this key; absent below v2. */
  readonly serverKey: X25519Key | undefined
}

/** The client's judgement of the server's hello, in the order of notifications.md §2.2. */
export function judgeNtfServerHello(
  c: CryptoBackend,
  content: Uint8Array,
  expected: {
    readonly sessionId: SessionId
    readonly range: VersionRange
    /** Key of the leaf certificate of the TLS connection. */
    readonly leafKey: PublicKey | undefined
  },
): Judged<NtfAgreement> {
  const hello = decoded(() => decodeNtfServerHello(content))
  if (hello === undefined) return { ok: false, error: "HANDSHAKE PARSE" }
  if (!equalBytes(hello.sessionId, expected.sessionId)) return { ok: false, error: "SESSION" }
  const range = intersect(expected.range, hello.range)
  if (range === undefined) return { ok: false, error: "VERSION" }
  const { signedKey } = hello
  const serverKey = signedKey && expected.leafKey && verifySignedKey(c, expected.leafKey, signedKey, "x25519")
  if (signedKey !== undefined && serverKey === undefined) return { ok: false, error: "HANDSHAKE BAD_AUTH" }
  return { ok: true, value: { version: range.max, serverRange: hello.range, serverKey } }
}

function decoded<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
