import type { CryptoBackend } from "@sluice/crypto/backend"
import { encodePrivateKey, equalPublicKeys, type OneOfPrivate, type SignatureAlgorithm } from "@sluice/crypto/keys"
import { fingerprint } from "@sluice/crypto/x509"
import { type CertificateChain, parseClientChain, parseServerChain } from "@sluice/crypto/x509-chain"
import { DecodeError } from "@sluice/encoding/errors"
import { CERTIFICATE_LABEL, encodePem, PRIVATE_KEY_LABEL } from "./pem.ts"

/** Private keys of certificates. */
export type LeafKey = OneOfPrivate<SignatureAlgorithm>

/** A certificate chain with the private key of its leaf, ready for TLS and for signing session keys. */
export interface Credentials {
  /** DER of each certificate, leaf first (transport.md §2.4). */
  readonly chain: readonly Uint8Array[]
  readonly leafKey: LeafKey
  /** SHA-256 of the identity certificate, 32 bytes: the key hash of a server's address, what a service is known by. */
  readonly fingerprint: Uint8Array
  /** The time in which all certificates but the trusted last one are valid, in Unix seconds. */
  readonly notBefore: number
  readonly notAfter: number
  /** The same as PEM, for TLS. */
  readonly chainPem: string
  readonly leafKeyPem: string
}

/**
 * Credentials of a server: 2 to 4 certificates. Throws `DecodeError` when a certificate or their number is wrong, or the
 * key is not the leaf's. Whether they are valid at some time is not looked at: see `chainProblem` of the crypto package.
 */
export function serverCredentials(c: CryptoBackend, chain: readonly Uint8Array[], leafKey: LeafKey): Credentials {
  return credentials(c, parseServerChain(chain), leafKey)
}

/** Credentials that a service shows as a TLS client: 1 (self-signed) to 4 certificates. Throws `DecodeError` likewise. */
export function serviceCredentials(c: CryptoBackend, chain: readonly Uint8Array[], leafKey: LeafKey): Credentials {
  return credentials(c, parseClientChain(chain), leafKey)
}

function credentials(c: CryptoBackend, chain: CertificateChain, leafKey: LeafKey): Credentials {
  const { certificates, leaf, identity } = chain
  if (leaf.publicKey === undefined || !equalPublicKeys(leaf.publicKey, c.publicKeyOf(leafKey))) {
    throw new DecodeError("certificate chain: the private key is not the leaf's")
  }
  const ders = certificates.map(({ der }) => der)
  const dated = certificates.slice(0, Math.max(1, certificates.length - 1))
  return {
    chain: ders,
    leafKey,
    fingerprint: fingerprint(c, identity.der),
    notBefore: Math.max(...dated.map(({ notBefore }) => notBefore)),
    notAfter: Math.min(...dated.map(({ notAfter }) => notAfter)),
    chainPem: ders.map((der) => encodePem(CERTIFICATE_LABEL, der)).join(""),
    leafKeyPem: encodePem(PRIVATE_KEY_LABEL, encodePrivateKey(leafKey)),
  }
}
