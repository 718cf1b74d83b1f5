import { equalBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { CryptoBackend } from "./backend.ts"
import { isSignedBy } from "./signed.ts"
import { type Certificate, KEY_USAGE, parseCertificate } from "./x509.ts"

/** A certificate chain with the roles that positions have (transport.md §2.4). */
export interface CertificateChain {
  /** Leaf first, as on the wire. */
  readonly certificates: readonly Certificate[]
  /** Its key is the one used in TLS and for signed keys. */
  readonly leaf: Certificate
  /** Its fingerprint names the party: the second certificate, or the only one. */
  readonly identity: Certificate
  /** The last one: trusted as it is, the others are checked against it. */
  readonly anchor: Certificate
}

/** Why a chain is not accepted. */
export type ChainProblem =
  | "NOT_YET_VALID"
  | "EXPIRED"
  /** Names or signature: not issued by the next certificate, or an algorithm that is not Ed25519 or Ed448. */
  | "BAD_SIGNATURE"
  /** An issuer below the anchor that may not issue: no CA flag, key usage without certificate signing, path length. */
  | "NOT_A_CA"
  /** The leaf is not of version 3, or its key usage does not allow digital signatures. */
  | "BAD_LEAF"
  /** A critical extension that is not understood. */
  | "UNKNOWN_EXTENSION"

const MAX_LENGTH = 4

/** A server's chain: 2 to 4 certificates. Throws `DecodeError` on another number or a certificate that does not parse. */
export function parseServerChain(ders: readonly Uint8Array[]): CertificateChain {
  return parseChain(ders, 2)
}

/** The chain of a client that is a service: 1 (self-signed) to 4 certificates. Throws `DecodeError` likewise. */
export function parseClientChain(ders: readonly Uint8Array[]): CertificateChain {
  return parseChain(ders, 1)
}

function parseChain(ders: readonly Uint8Array[], shortest: number): CertificateChain {
  if (ders.length < shortest || ders.length > MAX_LENGTH) throw new DecodeError("certificate chain: wrong length")
  const certificates = ders.map(parseCertificate)
  const leaf = certificates[0]
  const anchor = certificates.at(-1)
  if (leaf === undefined || anchor === undefined) throw new DecodeError("certificate chain: empty")
  return { certificates, leaf, identity: certificates[1] ?? leaf, anchor }
}

/**
 * Validates a chain against its own last certificate as the trust anchor, at a time in Unix seconds: names, signatures,
 * validity, CA rules, and the leaf's version and key usage. Dates and CA flag of the anchor are not looked at, nor are
 * host names. Returns `undefined` if all holds. That the identity is the expected one is for the caller to check.
 */
export function chainProblem(c: CryptoBackend, chain: CertificateChain, now: number): ChainProblem | undefined {
  const { certificates, leaf } = chain
  if (leaf.version !== 3 || !allows(leaf, KEY_USAGE.digitalSignature)) return "BAD_LEAF"
  // A single certificate is its own issuer, and then its dates do count.
  const checked = Math.max(1, certificates.length - 1)
  for (const [i, certificate] of certificates.slice(0, checked).entries()) {
    if (now < certificate.notBefore) return "NOT_YET_VALID"
    if (now > certificate.notAfter) return "EXPIRED"
    if (certificate.unknownCritical) return "UNKNOWN_EXTENSION"
    if (i > 0 && !mayIssue(certificate, i - 1)) return "NOT_A_CA"
    if (!isIssuedBy(c, certificate, certificates[i + 1] ?? certificate)) return "BAD_SIGNATURE"
  }
  return undefined
}

/** Whether `issuer` is named as the issuer of `certificate` and its key made the signature. */
export function isIssuedBy(c: CryptoBackend, certificate: Certificate, issuer: Certificate): boolean {
  return (
    issuer.publicKey !== undefined &&
    equalBytes(certificate.issuer, issuer.subject) &&
    isSignedBy(c, certificate, issuer.publicKey)
  )
}

/** Whether a certificate may issue others with `below` more issuers between it and the leaf. */
function mayIssue(certificate: Certificate, below: number): boolean {
  const constraints = certificate.basicConstraints
  if (constraints?.ca !== true || !allows(certificate, KEY_USAGE.keyCertSign)) return false
  return constraints.pathLength === undefined || below <= constraints.pathLength
}

/** A certificate without the key usage extension may be used for everything. */
function allows(certificate: Certificate, usage: number): boolean {
  return certificate.keyUsage === undefined || (certificate.keyUsage & usage) !== 0
}
