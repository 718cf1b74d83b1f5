import type { CryptoBackend } from "../src/backend.ts"
import { type Certificate, parseCertificate } from "../src/x509.ts"
import { createCaCertificate, createLeafCertificate, type SigningKeyPair, type Validity } from "../src/x509-create.ts"

/** 2026-01-01T00:00:00Z in Unix seconds; certificates of tests are valid for a day from then. */
export const START: number = Date.UTC(2026, 0) / 1000
export const DAY: Validity = { notBefore: START, notAfter: START + 86_400 }

/** A CA with its key and parsed certificate. */
export interface TestCa {
  readonly key: SigningKeyPair
  readonly der: Uint8Array
  readonly certificate: Certificate
}

export function makeCa(c: CryptoBackend, key: SigningKeyPair = c.generateKeyPair("ed25519"), validity = DAY): TestCa {
  const der = createCaCertificate(c, key, validity)
  return { key, der, certificate: parseCertificate(der) }
}

/** A leaf of `ca` with a new key. */
export function makeLeaf(c: CryptoBackend, ca: TestCa, validity = DAY): Uint8Array {
  return createLeafCertificate(c, ca, c.generateKeyPair("ed25519").publicKey, validity, "smp.example.org")
}
