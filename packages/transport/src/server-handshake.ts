import type { CryptoBackend } from "@sluice/crypto/backend"
import {
  type Algorithm,
  type Ed25519Key,
  type KeyPair,
  type PublicKey,
  publicKey,
  type X25519Key,
} from "@sluice/crypto/keys"
import { signKey, verifySignedKey } from "@sluice/crypto/signed-object"
import { fingerprint } from "@sluice/crypto/x509"
import { parseClientChain } from "@sluice/crypto/x509-chain"
import { EMPTY, equalBytes } from "@sluice/encoding/bytes"
import { isCompatible, type VersionRange } from "@sluice/encoding/version"
import type { TransportErrorCode } from "@sluice/smp-protocol/errors"
import type { EntityId, ServiceRole, SessionId } from "@sluice/smp-protocol/types"
import { VERSION } from "@sluice/smp-protocol/versions"
import type { BlockStream } from "./block-stream.ts"
import type { Credentials } from "./credentials.ts"
import { protocolError, type TransportError } from "./errors.ts"
import { type ExchangeOptions, HandshakeExchange } from "./handshake-exchange.ts"
import { decodeClientHello, encodeServerHello, encodeServiceResponse, type HelloService } from "./hello.ts"
import { orAbsent } from "./or-absent.ts"
import { type Agreement, agreeOnSecret, type ServerSession, sessionParams } from "./session.ts"

/** A service whose certificate and signature were checked, to be looked up or created. */
export interface PresentedService {
  readonly role: ServiceRole
  /** SHA-256 of its identity certificate, 32 bytes. */
  readonly fingerprint: Uint8Array
  /** Its key for this connection. */
  readonly sessionKey: Ed25519Key
  /** DER of its certificates, leaf first; views on a block, to be copied by who keeps them. */
  readonly chain: readonly Uint8Array[]
}

/**
 * Finds or makes the record of a service. Its id (24 bytes), or `undefined` when it is known with another role. A
 * rejection is answered like a refusal.
 */
export type ServiceLookup = (service: PresentedService) => Promise<EntityId | undefined>

/** What the server side of a handshake needs. */
export interface ServerHandshakeOptions extends ExchangeOptions {
  readonly crypto: CryptoBackend
  readonly credentials: Credentials
  /** Channel binding of this connection. */
  readonly sessionId: SessionId
  /** Versions to announce: see `announcedRange`. */
  readonly range: VersionRange
  /** DER of the certificates that the client sent in TLS, leaf first; empty if none. */
  readonly clientChain: readonly Uint8Array[]
  /** Absent: no service is accepted. */
  readonly lookUpService?: ServiceLookup
  /** Key pair of this connection; tests fix it, otherwise a new one is made. */
  readonly sessionKey?: KeyPair<"x25519">
}

/** Certificates that a service may have at most. */
const MAX_CLIENT_CHAIN = 4

/** How the server goes on after a client's hello. */
export type HelloVerdict =
  /** The connection closes without an answer. */
  | { readonly outcome: "close"; readonly error: TransportErrorCode }
  /** The service response says why, then the connection closes. */
  | { readonly outcome: "refuse"; readonly error: TransportErrorCode }
  | {
      readonly outcome: "accept"
      readonly agreed: Agreement
      readonly clientKey: X25519Key | undefined
      /** To be looked up and answered before the session begins. */
      readonly service: PresentedService | undefined
    }

/**
 * Runs the server's side of the handshake on a stream without a handler (transport.md §3). Resolves with the session,
 * the stream paused: set a handler and resume. Rejects with `TransportError` after closing the connection.
 */
export async function serverHandshake(stream: BlockStream, options: ServerHandshakeOptions): Promise<ServerSession> {
  const { crypto: c, range } = options
  const exchange = new HandshakeExchange(stream, options)
  try {
    const authenticates = range.max >= VERSION.AUTHENTICATED_COMMANDS
    const sessionKey = authenticates ? (options.sessionKey ?? c.generateKeyPair("x25519")) : undefined
    exchange.send(serverHello(options, sessionKey))
    const verdict = acceptClientHello(await exchange.receive(), options, sessionKey)
    if (verdict.outcome === "close") throw protocolError(verdict.error)
    if (verdict.outcome === "refuse") throw refuse(exchange, verdict.error)
    const { agreed, clientKey, service } = verdict
    const session = { ...sessionParams(c, "server", agreed), sessionKey, clientKey }
    if (service === undefined) return { ...session, service: undefined }
    const serviceId = await exchange.during(lookUp(service, options.lookUpService))
    if (serviceId === undefined) throw refuse(exchange, "HANDSHAKE BAD_SERVICE")
    exchange.send(encodeServiceResponse({ accepted: true, serviceId }))
    const { role, fingerprint, sessionKey: serviceKey } = service
    return { ...session, service: { role, fingerprint, sessionKey: serviceKey, serviceId } }
  } catch (error) {
    exchange.abandon()
    throw error
  } finally {
    exchange.release()
  }
}

/** Content of the server's hello: from v7 with `sessionKey` signed by the leaf's key (transport.md §3.1). */
export function serverHello(
  options: Pick<ServerHandshakeOptions, "crypto" | "credentials" | "sessionId" | "range">,
  sessionKey: KeyPair<"x25519"> | undefined,
): Uint8Array {
  const { crypto: c, credentials, sessionId, range } = options
  const { chain, leafKey } = credentials
  const key = sessionKey && { chain, signedKey: signKey(c, leafKey, sessionKey.publicKey) }
  return encodeServerHello({ range, sessionId, key })
}

/** Judges the content of a client's hello, in the order of transport.md §3.4. Everything but the service's record. */
export function acceptClientHello(
  content: Uint8Array,
  options: Pick<ServerHandshakeOptions, "crypto" | "credentials" | "sessionId" | "range" | "clientChain">,
  sessionKey: KeyPair<"x25519"> | undefined,
): HelloVerdict {
  const { crypto: c, credentials, sessionId, range, clientChain } = options
  const hello = orAbsent(() => decodeClientHello(content))
  if (hello === undefined) return { outcome: "close", error: "HANDSHAKE PARSE" }
  const { version, proxyServer } = hello
  if (!equalBytes(hello.keyHash, credentials.fingerprint)) return { outcome: "close", error: "HANDSHAKE IDENTITY" }
  if (!isCompatible(version, range)) return { outcome: "close", error: "VERSION" }
  const service = hello.service && checkService(c, hello.service, clientChain)
  if (hello.service !== undefined && service === undefined) return { outcome: "refuse", error: "HANDSHAKE BAD_AUTH" }
  const sessionSecret = agreeOnSecret(c, sessionKey, hello.sessionKey)
  if (sessionSecret === "weak") return { outcome: "close", error: "HANDSHAKE BAD_AUTH" }
  const agreed = { version, range: { min: range.min, max: version }, sessionId, proxyServer, sessionSecret }
  const clientKey = hello.sessionKey && ownCopy(hello.sessionKey)
  return {
    outcome: "accept",
    agreed,
    clientKey,
    service: service && { ...service, sessionKey: ownCopy(service.sessionKey) },
  }
}

/** Not a view on the hello: that would keep a block of 16 KB for as long as the connection lives. */
function ownCopy<A extends Algorithm>(key: PublicKey<A>): PublicKey<A> {
  return publicKey(key.algorithm, Uint8Array.from(key.raw))
}

/** The same chain as in TLS, and a session key signed by its leaf; otherwise `undefined`. */
function checkService(
  c: CryptoBackend,
  { role, chain, signedKey }: HelloService,
  tlsChain: readonly Uint8Array[],
): PresentedService | undefined {
  if (!sameChain(chain, tlsChain) || chain.length > MAX_CLIENT_CHAIN) return undefined
  const { leaf, identity } = parseClientChain(chain)
  const sessionKey = leaf.publicKey && verifySignedKey(c, leaf.publicKey, signedKey, "ed25519")
  return sessionKey && { role, fingerprint: fingerprint(c, identity.der), sessionKey, chain }
}

function sameChain(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((der, i) => equalBytes(der, b[i] ?? EMPTY))
}

async function lookUp(service: PresentedService, lookup: ServiceLookup | undefined): Promise<EntityId | undefined> {
  try {
    return await lookup?.(service)
  } catch {
    return undefined // the protocol has one answer for "not accepted" and for a store that fails
  }
}

/** Sends the service response with an error; returns the error to throw. */
function refuse(exchange: HandshakeExchange, error: TransportErrorCode): TransportError {
  exchange.sendAndEnd(encodeServiceResponse({ accepted: false, error }))
  return protocolError(error)
}
