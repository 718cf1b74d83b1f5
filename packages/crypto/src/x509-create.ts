import { concatBytes, fromHex } from "@sluice/encoding/bytes"
import type { CryptoBackend } from "./backend.ts"
import { contextTag, der, derBoolean, derNamedBits, derSequence, derTime, derUnsigned, derUtf8, TAG } from "./der.ts"
import { encodePublicKey, type KeyPair, type PublicKey, type SignatureAlgorithm } from "./keys.ts"
import { algorithmIdentifier, encodeSigned } from "./signed.ts"
import { type Certificate, EXTENSION, KEY_USAGE } from "./x509.ts"

/** A key pair that can sign. */
export type SigningKeyPair = KeyPair<SignatureAlgorithm>

/** The two parts of a name that the network's certificates have. */
export interface CertificateName {
  readonly commonName: string
  readonly organization?: string
}

/** From when until when, in Unix seconds. A `notAfter` after the year 9999 is written as its last second. */
export interface Validity {
  readonly notBefore: number
  readonly notAfter: number
}

/** How long the reference's own certificates are valid: 999999 days, in seconds. */
export const LONG_VALIDITY: number = 999_999 * 86_400

/** Name of the offline CA that the reference server makes. */
export const CA_NAME: CertificateName = { commonName: "SMP server CA", organization: "SimpleX" }

/**
 * The DER of a self-signed CA certificate as in transport.md §2.4: random serial number, subject and authority key
 * identifiers, critical `CA:true`. As the identity of a server its fingerprint is in the server's address.
 */
export function createCaCertificate(
  c: CryptoBackend,
  key: SigningKeyPair,
  validity: Validity,
  name: CertificateName = CA_NAME,
): Uint8Array {
  const keyId = keyIdentifier(c, key.publicKey)
  return createCertificate(c, key, {
    serial: randomSerial(c),
    issuer: encodeName(name),
    subject: encodeName(name),
    validity,
    publicKey: key.publicKey,
    extensions: [
      extension(EXTENSION.subjectKeyIdentifier, der(TAG.octetString, keyId)),
      extension(EXTENSION.authorityKeyIdentifier, derSequence(der(KEY_ID_TAG, keyId))),
      extension(EXTENSION.basicConstraints, derSequence(derBoolean(true)), true),
    ],
  })
}

/**
 * The DER of a leaf certificate for TLS servers, issued by a CA certificate and its key: `CA:FALSE`, key usage
 * digitalSignature, nonRepudiation and keyAgreement, extended key usage serverAuth. `commonName` is the host name.
 */
export function createLeafCertificate(
  c: CryptoBackend,
  ca: { readonly certificate: Certificate; readonly key: SigningKeyPair },
  publicKey: PublicKey<SignatureAlgorithm>,
  validity: Validity,
  commonName: string,
): Uint8Array {
  const usage = KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation | KEY_USAGE.keyAgreement
  return createCertificate(c, ca.key, {
    serial: randomSerial(c),
    issuer: ca.certificate.subject,
    subject: encodeName({ commonName }),
    validity,
    publicKey,
    extensions: [
      extension(EXTENSION.basicConstraints, derSequence()),
      extension(EXTENSION.keyUsage, derNamedBits(usage)),
      extension(EXTENSION.extendedKeyUsage, derSequence(SERVER_AUTH)),
    ],
  })
}

/**
 * The DER of the one self-signed certificate that a service shows as a TLS client (notifications.md, "certificate"):
 * serial number 1, no extensions. Its fingerprint is what servers know the service by.
 */
export function createServiceCertificate(
  c: CryptoBackend,
  key: SigningKeyPair,
  validity: Validity,
  commonName = "simplex",
): Uint8Array {
  const name = encodeName({ commonName })
  const serial = Uint8Array.of(1)
  return createCertificate(c, key, { serial, issuer: name, subject: name, validity, publicKey: key.publicKey })
}

interface Contents {
  readonly serial: Uint8Array
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly validity: Validity
  readonly publicKey: PublicKey<SignatureAlgorithm>
  readonly extensions?: readonly Uint8Array[]
}

function createCertificate(c: CryptoBackend, signer: SigningKeyPair, contents: Contents): Uint8Array {
  const { serial, issuer, subject, validity, publicKey, extensions = [] } = contents
  const body = derSequence(
    VERSION_3,
    derUnsigned(serial),
    algorithmIdentifier(signer.privateKey.algorithm),
    issuer,
    derSequence(derTime(validity.notBefore), derTime(validity.notAfter)),
    subject,
    encodePublicKey(publicKey),
    ...(extensions.length === 0 ? [] : [der(contextTag(3), derSequence(...extensions))]),
  )
  return encodeSigned(c, signer.privateKey, body)
}

const VERSION_3 = der(contextTag(0), derUnsigned(Uint8Array.of(2)))
/** `[0]` IMPLICIT OCTET STRING inside the authority key identifier. */
const KEY_ID_TAG = 0x80
/** id-kp-serverAuth. */
const SERVER_AUTH = oid("2b06010505070301")
const COMMON_NAME = oid("550403")
const ORGANIZATION = oid("55040a")

function oid(hex: string): Uint8Array {
  return der(TAG.oid, fromHex(hex))
}

function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return derSequence(oid(id), ...(critical ? [derBoolean(true)] : []), der(TAG.octetString, value))
}

function encodeName({ commonName, organization }: CertificateName): Uint8Array {
  const attribute = (type: Uint8Array, value: string): Uint8Array => der(TAG.set, derSequence(type, derUtf8(value)))
  return derSequence(
    attribute(COMMON_NAME, commonName),
    ...(organization === undefined ? [] : [attribute(ORGANIZATION, organization)]),
  )
}

/** RFC 7093 §2, method 1: the first 160 bits of SHA-256 over the key. Only has to be equal in issuer and issued. */
function keyIdentifier(c: CryptoBackend, key: PublicKey): Uint8Array {
  return c.sha256(key.raw).subarray(0, 20)
}

/** 16 bytes, positive and of full length: what RFC 5280 §4.1.2.2 asks for, with no way to tell the order of issue. */
function randomSerial(c: CryptoBackend): Uint8Array {
  return concatBytes(Uint8Array.of(0x40), c.randomBytes(15))
}
