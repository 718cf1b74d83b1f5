import type { CryptoBackend } from "@sluice/crypto/backend"
import type { SignatureAlgorithm } from "@sluice/crypto/keys"
import { parseCertificate } from "@sluice/crypto/x509"
import {
  createCaCertificate,
  createLeafCertificate,
  createServiceCertificate,
  LONG_VALIDITY,
  type SigningKeyPair,
  type Validity,
} from "@sluice/crypto/x509-create"
import { type Credentials, type LeafKey, serviceCredentials } from "./credentials.ts"

/** What is asked for when certificates are made. */
export interface CertificateRequest {
  /** Common name of the leaf: the server's host name or address. Clients do not compare it. */
  readonly host: string
  /** Default Ed25519. */
  readonly algorithm?: SignatureAlgorithm | undefined
  /** Present time in Unix seconds. */
  readonly now: number
  /** Seconds that the certificate is valid from now; default 999999 days, as the reference has it. */
  readonly lifetime?: number | undefined
}

/** A certificate, its DER, and the private key of the key in it. */
export interface KeyedCertificate {
  readonly certificate: Uint8Array
  readonly key: SigningKeyPair
}

/** How far the beginning of validity lies in the past, in seconds: clocks of clients are not exact. */
const BACKDATED = 3600

/** A new identity: self-signed CA certificate whose fingerprint will be in the server's address (transport.md §2.4). */
export function createCa(c: CryptoBackend, request: Omit<CertificateRequest, "host">): KeyedCertificate {
  const key = signingKeyPair(c, request.algorithm)
  return { key, certificate: createCaCertificate(c, key, validity(request)) }
}

/** A new leaf with a new key, issued by an identity certificate and its key. */
export function createLeaf(c: CryptoBackend, ca: KeyedCertificate, request: CertificateRequest): KeyedCertificate {
  const key = signingKeyPair(c, request.algorithm)
  const issuer = { certificate: parseCertificate(ca.certificate), key: ca.key }
  return { key, certificate: createLeafCertificate(c, issuer, key.publicKey, validity(request), request.host) }
}

/** New credentials for a service that connects as a client: one self-signed certificate. */
export function createServiceCredentials(c: CryptoBackend, request: Omit<CertificateRequest, "host">): Credentials {
  const key = signingKeyPair(c, request.algorithm)
  return serviceCredentials(c, [createServiceCertificate(c, key, validity(request))], key.privateKey)
}

/** A private key together with its public half. */
export function keyPairOf(c: CryptoBackend, key: LeafKey): SigningKeyPair {
  return key.algorithm === "ed25519"
    ? { publicKey: c.publicKeyOf(key), privateKey: key }
    : { publicKey: c.publicKeyOf(key), privateKey: key }
}

function signingKeyPair(c: CryptoBackend, algorithm: SignatureAlgorithm = "ed25519"): SigningKeyPair {
  return algorithm === "ed25519" ? c.generateKeyPair("ed25519") : c.generateKeyPair("ed448")
}

function validity({ now, lifetime = LONG_VALIDITY }: Pick<CertificateRequest, "now" | "lifetime">): Validity {
  return { notBefore: now - BACKDATED, notAfter: now + lifetime }
}
