import type { X509Certificate } from "node:crypto"
import type { TLSSocket } from "node:tls"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { equalBytes } from "@sluice/encoding/bytes"
import { validateClientChain } from "./chain-validation.ts"
import type { Credentials } from "./credentials.ts"
import { networkError } from "./errors.ts"

/** A client's connection after TLS was set up. */
export interface AcceptedTls {
  /** Channel binding: the client's Finished, 32 bytes on TLS 1.3, 12 on TLS 1.2 (transport.md §2.5). */
  readonly sessionId: Uint8Array
  /** What ALPN agreed on; `false` when the client offered nothing. */
  readonly alpn: string | false
  /** DER of the client's certificates as they were sent, leaf first; empty if none. Validated. */
  readonly clientChain: readonly Uint8Array[]
}

/** What {@link acceptTls} needs. */
export interface AcceptTlsOptions {
  readonly crypto: CryptoBackend
  /** Unix seconds. */
  readonly now: number
}

/**
 * Takes over a socket in the 'secureConnection' event: its session id and the client's certificates, once. Throws
 * `TransportError` (TLS) for an unacceptable certificate; destroy the socket then.
 */
export function acceptTls(socket: TLSSocket, options: AcceptTlsOptions): AcceptedTls {
  const clientChain = peerChain(socket)
  if (clientChain.length > 0) {
    const rejection = validateClientChain(options.crypto, clientChain, options.now)
    if (rejection !== undefined) throw networkError({ type: "TLS", text: `client certificate ${rejection}` })
  }
  return { sessionId: channelBinding(socket.getPeerFinished()), alpn: socket.alpnProtocol ?? false, clientChain }
}

/** Whether a client sent a server name: on a port shared with a web server, it is a browser then. */
export function isWebClient(socket: TLSSocket): boolean {
  // The server name of accepted sockets is not in Node's type definitions.
  const { servername } = socket as TLSSocket & { servername?: string | false | null }
  return typeof servername === "string" && servername !== ""
}

/**
 * Which of several credentials a server's socket was set up with: around a change of certificate, a hello must be
 * signed with the key of the certificate that the client has seen. `undefined` for another certificate.
 */
export function credentialsInUse(socket: TLSSocket, candidates: readonly Credentials[]): Credentials | undefined {
  const own = socket.getX509Certificate()?.raw
  return candidates.find(({ chain: [leaf] }) => own !== undefined && leaf !== undefined && equalBytes(own, leaf))
}

/**
 * The session id from a Finished message: of the client's own socket `getFinished`, of the server's `getPeerFinished`.
 * Throws `TransportError` (TLS) when there is none.
 */
export function channelBinding(finished: Uint8Array | undefined | null): Uint8Array {
  if (finished === undefined || finished === null || finished.length === 0) {
    throw networkError({ type: "TLS", text: "no channel binding" })
  }
  return new Uint8Array(finished)
}

/** Longest chain that is still accepted is 4; one more is enough to see that it is too long. */
const MOST_CERTIFICATES = 5

/**
 * The certificates that the peer sent, leaf first, in their own order; none over {@link MOST_CERTIFICATES}. Works once for
 * a socket: OpenSSL's list is used up. (`getPeerCertificate` is no alternative, it sorts by issuer and drops others.)
 */
export function peerChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = []
  let certificate: X509Certificate | undefined = socket.getPeerX509Certificate()
  while (certificate !== undefined && chain.length < MOST_CERTIFICATES) {
    chain.push(new Uint8Array(certificate.raw))
    certificate = certificate.issuerCertificate
  }
  return chain
}
