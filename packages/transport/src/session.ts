import type { CryptoBackend } from "@sluice/crypto/backend"
import { CryptoError } from "@sluice/crypto/errors"
import type { Ed25519Key, KeyPair, X25519Key } from "@sluice/crypto/keys"
import type { Version, VersionRange } from "@sluice/encoding/version"
import type { EntityId, ServiceRole, SessionId } from "@sluice/smp-protocol/types"
import { VERSION } from "@sluice/smp-protocol/versions"
import { BlockCipher, blockChains, type Side } from "./block-cipher.ts"
import { type BlockCodec, plainBlocks } from "./block-codec.ts"
import type { CertifiedKey } from "./hello.ts"

/** What both sides know about a connection after the handshake (transport.md §3.6). */
export interface SessionParams {
  readonly version: Version
  /** Versions of the peer that are still of interest: from the minimum to the agreed one. */
  readonly range: VersionRange
  /** 32 bytes on TLS 1.3, 12 on TLS 1.2; part of everything that is signed. */
  readonly sessionId: SessionId
  /** The session id is not sent in transmissions (from v7). */
  readonly implySessionId: boolean
  /** Transmissions have a field for a service's signature (from v16). */
  readonly serviceSignatures: boolean
  /** The client is an SMP proxy. */
  readonly proxyServer: boolean
  /** X25519 secret of both session keys, 32 bytes; absent when one side gave no key. */
  readonly sessionSecret: Uint8Array | undefined
  /** Turns contents into blocks and back from now on. */
  readonly blockCodec: BlockCodec
}

/** A service as the server knows it. */
export interface ConnectedService {
  readonly role: ServiceRole
  /** 24 bytes, made by the server when it first saw the service. */
  readonly serviceId: EntityId
  /** SHA-256 of the identity certificate, 32 bytes. */
  readonly fingerprint: Uint8Array
  /** Verifies the service signatures of this connection. */
  readonly sessionKey: Ed25519Key
}

/** The server's view of a connection. */
export interface ServerSession extends SessionParams {
  /** The pair whose public half was in the hello; its private half opens X25519 authenticators. Absent if below v7. */
  readonly sessionKey: KeyPair<"x25519"> | undefined
  readonly clientKey: X25519Key | undefined
  readonly service: ConnectedService | undefined
}

/** A client's own service after it was accepted. */
export interface OwnService {
  readonly role: ServiceRole
  readonly serviceId: EntityId
  /** Signs the transmissions of this connection. */
  readonly sessionKey: KeyPair<"ed25519">
}

/** The client's view of a connection. */
export interface ClientSession extends SessionParams {
  /** All that the server announced; a proxy passes it on. */
  readonly serverRange: VersionRange
  /** X25519 authenticators are made for this key. */
  readonly serverKey: X25519Key | undefined
  /** The same key as it came: chain and signed object, which a proxy passes on. */
  readonly certifiedServerKey: CertifiedKey | undefined
  readonly sessionKey: KeyPair<"x25519"> | undefined
  readonly service: OwnService | undefined
}

/** The inputs of {@link sessionParams}. */
export interface Agreement {
  readonly version: Version
  readonly range: VersionRange
  readonly sessionId: SessionId
  readonly proxyServer: boolean
  readonly sessionSecret: Uint8Array | undefined
}

/** Derives the parameters that follow from what was agreed (transport.md §3.6). */
export function sessionParams(c: CryptoBackend, side: Side, agreed: Agreement): SessionParams {
  const { version, range, sessionId, proxyServer, sessionSecret } = agreed
  const encrypted = version >= VERSION.BLOCK_ENCRYPTION && sessionSecret !== undefined && !proxyServer
  return {
    version,
    range,
    sessionId,
    implySessionId: version >= VERSION.AUTHENTICATED_COMMANDS,
    serviceSignatures: version >= VERSION.SERVICE_CERTIFICATES,
    proxyServer,
    sessionSecret,
    blockCodec: encrypted ? new BlockCipher(c, blockChains(c, side, sessionId, sessionSecret)) : plainBlocks(),
  }
}

/**
 * Raw X25519 secret of both session keys (32 bytes), `undefined` when one side gave none, `weak` when the peer's key is
 * a point of low order, which no honest peer has.
 */
export function agreeOnSecret(
  c: CryptoBackend,
  own: KeyPair<"x25519"> | undefined,
  peer: X25519Key | undefined,
): Uint8Array | undefined | "weak" {
  if (own === undefined || peer === undefined) return undefined
  try {
    return c.diffieHellman(own.privateKey, peer)
  } catch (error) {
    if (error instanceof CryptoError) return "weak"
    throw error
  }
}
