import { decodeDer, TAG } from "@sluice/crypto/der"
import { decodePublicKey, encodePublicKey, readKey, type X25519Key } from "@sluice/crypto/keys"
import { decodeSigned } from "@sluice/crypto/signed"
import { parseCertificate } from "@sluice/crypto/x509"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { readVersionRange, type Version, type VersionRange, writeVersionRange } from "@sluice/encoding/version"
import { Writer } from "@sluice/encoding/writer"
import { decodeTransportError, encodeTransportError } from "@sluice/smp-protocol/error-wire"
import type { TransportErrorCode } from "@sluice/smp-protocol/errors"
import type { EntityId, ServiceRole } from "@sluice/smp-protocol/types"
import { VERSION } from "@sluice/smp-protocol/versions"
import { orAbsent } from "./or-absent.ts"

/** A session key signed with the key of the leaf of a certificate chain: `CertChainPubKey` (encoding.md §1.6). */
export interface CertifiedKey {
  /** DER of each certificate, leaf first. */
  readonly chain: readonly Uint8Array[]
  /** DER of the signed object: 122 bytes (Ed25519) or 173 bytes (Ed448 signature). */
  readonly signedKey: Uint8Array
}

/** First block of a connection, from the server (transport.md §3.1). */
export interface ServerHello {
  /** Versions that the server offers. */
  readonly range: VersionRange
  /** Channel binding of the connection, 32 bytes on TLS 1.3 and 12 on TLS 1.2. */
  readonly sessionId: Uint8Array
  /** X25519 key of this connection; absent when `range` ends below v7. */
  readonly key?: CertifiedKey | undefined
}

/** Who a client says it is, when it is a service (transport.md §3.3). */
export interface HelloService extends CertifiedKey {
  readonly role: ServiceRole
}

/** Second block of a connection, from the client (transport.md §3.3). */
export interface ClientHello {
  /** The version of this connection. */
  readonly version: Version
  /** Fingerprint of the server that the client means to talk to, 32 bytes. */
  readonly keyHash: Uint8Array
  /** From v7; without it there is no session secret. */
  readonly sessionKey?: X25519Key | undefined
  /** From v14, `false` below: the client is an SMP proxy. */
  readonly proxyServer: boolean
  /** From v16. */
  readonly service?: HelloService | undefined
}

/** Third block, from the server, answering a hello with a service (transport.md §3.4). */
export type ServiceResponse =
  | { readonly accepted: true; readonly serviceId: EntityId }
  | { readonly accepted: false; readonly error: TransportErrorCode }

/** Bytes of a hello to begin with: two certificates and a signed key fit. */
const CAPACITY = 1024

/** The content of the server's block, before padding. */
export function encodeServerHello(hello: ServerHello): Uint8Array {
  const w = new Writer(CAPACITY)
  writeVersionRange(w, hello.range)
  w.short(hello.sessionId)
  if (hello.range.max >= VERSION.AUTHENTICATED_COMMANDS && hello.key !== undefined) writeCertifiedKey(w, hello.key)
  return w.finish()
}

/**
 * Reads the content of the server's block. A certificate chain or key that cannot be parsed counts as absent, and
 * whatever follows is ignored. Throws `DecodeError` when the range or the session id cannot be read.
 */
export function decodeServerHello(content: Uint8Array): ServerHello {
  const r = new Reader(content)
  const range = readVersionRange(r)
  const sessionId = r.short("session id")
  if (range.max < VERSION.AUTHENTICATED_COMMANDS) return { range, sessionId }
  return { range, sessionId, key: orAbsent(() => readCertifiedKey(r)) }
}

/** The content of the client's block, before padding. Fields that its version does not have are left out. */
export function encodeClientHello(hello: ClientHello): Uint8Array {
  const w = new Writer(CAPACITY)
  const { version, sessionKey } = hello
  w.u16(version).short(hello.keyHash)
  // No marker tells whether it is there: an absent key is zero bytes.
  if (version >= VERSION.AUTHENTICATED_COMMANDS && sessionKey !== undefined) w.short(encodePublicKey(sessionKey))
  if (version >= VERSION.PROXY_FLAG) w.bool(hello.proxyServer)
  if (version >= VERSION.SERVICE_CERTIFICATES) {
    w.maybe(hello.service, (_, service) => writeCertifiedKey(w.ascii(service.role), service))
  }
  return w.finish()
}

/** Reads the content of the client's block; bytes after its last field are ignored. Throws `DecodeError`. */
export function decodeClientHello(content: Uint8Array): ClientHello {
  let r = new Reader(content)
  const version = r.u16("version")
  const keyHash = r.short("key hash")
  let sessionKey: X25519Key | undefined
  if (version >= VERSION.AUTHENTICATED_COMMANDS) {
    const start = r.offset
    sessionKey = orAbsent(() => readKey(r, "x25519", "session key"))
    if (sessionKey === undefined) r = new Reader(content, start)
  }
  const proxyServer = version >= VERSION.PROXY_FLAG ? r.bool("proxy flag") : false
  const service = version >= VERSION.SERVICE_CERTIFICATES ? r.maybe(readService, "client service") : undefined
  return { version, keyHash, sessionKey, proxyServer, service }
}

/** The content of the service response, before padding. */
export function encodeServiceResponse(response: ServiceResponse): Uint8Array {
  const w = new Writer()
  if (response.accepted) w.ascii("R").short(response.serviceId)
  else w.ascii("E").raw(encodeTransportError(response.error))
  return w.finish()
}

/** Reads the content of the service response. Throws `DecodeError`. */
export function decodeServiceResponse(content: Uint8Array): ServiceResponse {
  const r = new Reader(content)
  const tag = r.u8("service response")
  if (tag === 0x52) return { accepted: true, serviceId: r.short("service id") }
  if (tag === 0x45) return { accepted: false, error: decodeTransportError(r.tail()) }
  throw new DecodeError("service response: unknown tag")
}

function writeCertifiedKey(w: Writer, key: CertifiedKey): void {
  w.nonEmpty(key.chain, (_, certificate) => w.large(certificate)).large(key.signedKey)
}

/** Both parts must be well-formed; signatures and algorithms are for the caller to check. */
function readCertifiedKey(r: Reader): CertifiedKey {
  const chain = r.nonEmpty(() => r.large("certificate"), "certificate chain")
  for (const der of chain) parseCertificate(der)
  const signedKey = r.large("signed key")
  const { body } = decodeSigned(signedKey, "signed key")
  decodePublicKey(decodeDer(body, "signed key", (inner) => inner.content(TAG.sequence, "signed key")))
  return { chain, signedKey }
}

function readService(r: Reader): HelloService {
  return { role: readRole(r.u8("service role")), ...readCertifiedKey(r) }
}

function readRole(byte: number): ServiceRole {
  const role = String.fromCharCode(byte)
  if (role === "M" || role === "N" || role === "P") return role
  throw new DecodeError("service role: unknown")
}
