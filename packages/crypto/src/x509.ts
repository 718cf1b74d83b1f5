import { equalBytes, toHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { CryptoBackend } from "./backend.ts"
import { contextTag, type DerReader, decodeDer, readNamedBits, readTime, TAG } from "./der.ts"
import { type AnyPublicKey, decodePublicKey } from "./keys.ts"
import { decodeSigned, type Signed } from "./signed.ts"

/** Bits of the key usage extension (RFC 5280 §4.2.1.3) as masks: bit n of the string is 2^n. */
export const KEY_USAGE = {
  digitalSignature: 0x01,
  nonRepudiation: 0x02,
  keyAgreement: 0x10,
  keyCertSign: 0x20,
  cRLSign: 0x40,
} as const

/** DER content, in hex, of the object identifiers of extensions. */
export const EXTENSION = {
  subjectKeyIdentifier: "551d0e",
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  nameConstraints: "551d1e",
  certificatePolicies: "551d20",
  authorityKeyIdentifier: "551d23",
  extendedKeyUsage: "551d25",
} as const

export interface BasicConstraints {
  readonly ca: boolean
  /** How many CA certificates may stand between this one and a leaf. */
  readonly pathLength?: number
}

/** The parts of an X.509 certificate that decide whether it is trusted. All bytes are views on `der`. */
export interface Certificate extends Signed {
  /** The whole certificate. `body` of the signed structure is its TBSCertificate. */
  readonly der: Uint8Array
  /** 1, 2 or 3. */
  readonly version: number
  readonly serial: Uint8Array
  /** Name elements, compared byte by byte. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  /** Unix seconds; both ends belong to the time of validity. */
  readonly notBefore: number
  readonly notAfter: number
  /** `undefined` for algorithms that the network does not use. */
  readonly publicKey: AnyPublicKey | undefined
  readonly basicConstraints: BasicConstraints | undefined
  /** Masks of {@link KEY_USAGE} together; `undefined` where the extension is absent. */
  readonly keyUsage: number | undefined
  /** Has a critical extension that this code knows nothing of, so it must not be trusted (RFC 5280 §4.2). */
  readonly unknownCritical: boolean
}

/** Key hash of a certificate: SHA-256 over its whole DER, 32 bytes. Of the identity certificate it names the server. */
export function fingerprint(c: CryptoBackend, der: Uint8Array): Uint8Array {
  return c.sha256(der)
}

/**
 * Parses one certificate, which must fill `der`. Nothing is verified. Certificates with other algorithms than the
 * network's parse too. Throws `DecodeError` for anything that is not strict DER of the profile of RFC 5280.
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const signed = decodeSigned(der, "certificate")
  return decodeDer(signed.body, "certificate", (outer) => {
    const r = outer.sequence("certificate")
    const version = r.optional(contextTag(0), readVersion) ?? 1
    const serial = r.integer("serial number")
    const identifier = r.element(TAG.sequence, "signature algorithm")
    if (!equalBytes(identifier, signed.identifier)) throw new DecodeError("certificate: two signature algorithms")
    const issuer = r.element(TAG.sequence, "issuer")
    const [notBefore, notAfter] = readValidity(r.sequence("validity"))
    const subject = r.element(TAG.sequence, "subject")
    const publicKey = readSubjectKey(r.element(TAG.sequence, "subject public key"))
    skipUniqueIds(r)
    const extensions = r.optional(contextTag(3), readExtensions) ?? NO_EXTENSIONS
    r.end("certificate")
    if (extensions !== NO_EXTENSIONS && version !== 3) throw new DecodeError("certificate: extensions before version 3")
    return { ...signed, der, version, serial, issuer, subject, notBefore, notAfter, publicKey, ...extensions }
  })
}

type Extensions = Pick<Certificate, "basicConstraints" | "keyUsage" | "unknownCritical">

const NO_EXTENSIONS: Extensions = { basicConstraints: undefined, keyUsage: undefined, unknownCritical: false }

/** Critical extensions that need no action here: names and purposes are not checked by this network. */
const HARMLESS: ReadonlySet<string> = new Set([
  EXTENSION.subjectAltName,
  EXTENSION.nameConstraints,
  EXTENSION.certificatePolicies,
  EXTENSION.extendedKeyUsage,
])

function readVersion(r: DerReader): number {
  return readExplicit(r, 0, "version", (inner) => {
    const version = inner.smallInteger("version") + 1
    if (version > 3) throw new DecodeError("version: unknown")
    return version
  })
}

function readValidity(r: DerReader): [notBefore: number, notAfter: number] {
  const notBefore = readTime(r, "not before")
  const notAfter = readTime(r, "not after")
  r.end("validity")
  return [notBefore, notAfter]
}

function readSubjectKey(spki: Uint8Array): AnyPublicKey | undefined {
  try {
    return decodePublicKey(spki)
  } catch (error) {
    if (error instanceof DecodeError) return undefined // RSA and the like: a certificate all the same
    throw error
  }
}

/** Two obsolete fields of version 2, `[1]` and `[2]` IMPLICIT BIT STRING. */
function skipUniqueIds(r: DerReader): void {
  for (const tag of [0x81, 0x82]) r.optional(tag, () => r.content(tag, "unique identifier"))
}

function readExtensions(r: DerReader): Extensions {
  return readExplicit(r, 3, "extensions", (inner) => {
    const list = inner.sequence("extensions")
    const seen = new Set<string>()
    let found = NO_EXTENSIONS
    while (!list.done) {
      const extension = list.sequence("extension")
      const oid = toHex(extension.content(TAG.oid, "extension"))
      if (seen.has(oid)) throw new DecodeError("extensions: one appears twice")
      seen.add(oid)
      const critical = extension.optional(TAG.boolean, (e) => e.boolean("extension")) ?? false
      const value = extension.content(TAG.octetString, "extension")
      extension.end("extension")
      found = { ...found, ...readExtension(oid, critical, value) }
    }
    return found
  })
}

function readExtension(oid: string, critical: boolean, value: Uint8Array): Partial<Extensions> {
  if (oid === EXTENSION.basicConstraints) return { basicConstraints: decodeDer(value, "constraints", readConstraints) }
  if (oid === EXTENSION.keyUsage)
    return { keyUsage: decodeDer(value, "key usage", (r) => readNamedBits(r, "key usage")) }
  return critical && !HARMLESS.has(oid) ? { unknownCritical: true } : {}
}

function readConstraints(outer: DerReader): BasicConstraints {
  const r = outer.sequence("constraints")
  const ca = r.optional(TAG.boolean, () => r.boolean("constraints")) ?? false
  const pathLength = r.optional(TAG.integer, () => r.smallInteger("constraints"))
  r.end("constraints")
  return pathLength === undefined ? { ca } : { ca, pathLength }
}

function readExplicit<T>(r: DerReader, n: number, field: string, read: (inner: DerReader) => T): T {
  const inner = r.nested(contextTag(n), field)
  const value = read(inner)
  inner.end(field)
  return value
}
