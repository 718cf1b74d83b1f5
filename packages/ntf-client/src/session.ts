import type { CryptoBackend } from "@sluice/crypto/backend"
import type { X25519Key } from "@sluice/crypto/keys"
import { parseCertificate } from "@sluice/crypto/x509"
import { EMPTY } from "@sluice/encoding/bytes"
import type { Version, VersionRange } from "@sluice/encoding/version"
import { encodeNtfClientHello, judgeNtfServerHello } from "@sluice/ntf-protocol/hello"
import { NTF_RANGE } from "@sluice/ntf-protocol/versions"
import type { SessionId } from "@sluice/smp-protocol/types"
import type { BlockStream } from "@sluice/transport/block-stream"
import { protocolError } from "@sluice/transport/errors"
import { type ExchangeOptions, HandshakeExchange } from "@sluice/transport/handshake-exchange"
import { orAbsent } from "@sluice/transport/or-absent"

/** What a client knows about a connection after the handshake. */
export interface NtfSession {
  readonly version: Version
  readonly serverRange: VersionRange
  readonly sessionId: SessionId
  /** X25519 authenticators are made for this key; absent below v2. */
  readonly serverKey: X25519Key | undefined
}

/** What the client side of a handshake needs. */
export interface NtfHandshakeOptions extends ExchangeOptions {
  readonly crypto: CryptoBackend
  /** Fingerprint in the server's address, 32 bytes; the TLS connection was checked against it. */
  readonly keyHash: Uint8Array
  readonly sessionId: SessionId
  /** DER of the server's certificates in TLS, leaf first. */
  readonly serverChain: readonly Uint8Array[]
  /** Versions that this client speaks; default all. */
  readonly range?: VersionRange | undefined
}

/**
 * Runs the client's side of the handshake on a stream of 512-byte blocks without a handler (notifications.md §2.2). The
 * stream is paused at the end. Rejects with `TransportError` after closing the connection.
 */
export async function ntfClientHandshake(stream: BlockStream, options: NtfHandshakeOptions): Promise<NtfSession> {
  const { crypto, keyHash, sessionId, serverChain, range = NTF_RANGE } = options
  const exchange = new HandshakeExchange(stream, options)
  try {
    const leafKey = orAbsent(() => parseCertificate(serverChain[0] ?? EMPTY).publicKey)
    const judged = judgeNtfServerHello(crypto, await exchange.receive(), { sessionId, range, leafKey })
    if (!judged.ok) throw protocolError(judged.error)
    exchange.send(encodeNtfClientHello({ version: judged.value.version, keyHash }))
    return { ...judged.value, sessionId }
  } catch (error) {
    exchange.abandon()
    throw error
  } finally {
    exchange.release()
  }
}
