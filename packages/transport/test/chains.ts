import { contextTag, der, derBoolean, derSequence, derTime, derUnsigned, derUtf8, TAG } from "@sluice/crypto/der"
import { encodePrivateKey, encodePublicKey } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { algorithmIdentifier, encodeSigned } from "@sluice/crypto/signed"
import { fingerprint } from "@sluice/crypto/x509"
import type { SigningKeyPair } from "@sluice/crypto/x509-create"
import { fromHex } from "@sluice/encoding/bytes"
import type { Credentials } from "../src/credentials.ts"
import { CERTIFICATE_LABEL, encodePem, PRIVATE_KEY_LABEL } from "../src/pem.ts"

/** The time at which tests take place, in Unix seconds. */
export const NOW = 1_800_000_000
const DAY = 86_400

/** What one certificate of a test chain is like; by default a good one. */
export interface Part {
  readonly ca?: boolean
  readonly notBefore?: number
  readonly notAfter?: number
  /** Signed by a key that is not the issuer's. */
  readonly forged?: boolean
}

function name(text: string): Uint8Array {
  return derSequence(der(0x31, derSequence(der(TAG.oid, fromHex("550403")), derUtf8(text))))
}

function certificate(
  part: Part,
  subject: string,
  key: SigningKeyPair,
  issuer: string,
  issuerKey: SigningKeyPair,
): Uint8Array {
  const constraints = derSequence(
    der(TAG.oid, fromHex("551d13")),
    der(TAG.octetString, part.ca === true ? derSequence(derBoolean(true)) : derSequence()),
  )
  const signer = part.forged === true ? c.generateKeyPair("ed25519") : issuerKey
  return encodeSigned(
    c,
    signer.privateKey,
    derSequence(
      der(contextTag(0), derUnsigned(Uint8Array.of(2))),
      derUnsigned(Uint8Array.of(1)),
      algorithmIdentifier(signer.privateKey.algorithm),
      name(issuer),
      derSequence(derTime(part.notBefore ?? NOW - DAY), derTime(part.notAfter ?? NOW + DAY)),
      name(subject),
      encodePublicKey(key.publicKey),
      der(contextTag(3), derSequence(constraints)),
    ),
  )
}

/**
 * Credentials with one certificate for each part, leaf first, each issued by the next and the last by itself; whether
 * good or not. All parts but the leaf are CAs unless they say otherwise.
 */
export function chainOf(algorithm: "ed25519" | "ed448", ...parts: readonly Part[]): Credentials {
  const keys = parts.map(
    (): SigningKeyPair => (algorithm === "ed25519" ? c.generateKeyPair("ed25519") : c.generateKeyPair("ed448")),
  )
  const chain = parts.map((part, i) => {
    const issuer = Math.min(i + 1, parts.length - 1)
    const [key, issuerKey] = [keys[i], keys[issuer]]
    if (key === undefined || issuerKey === undefined) throw new Error("no part")
    return certificate({ ca: i > 0, ...part }, `part ${i}`, key, `part ${issuer}`, issuerKey)
  })
  const [leafKey] = keys
  if (leafKey === undefined) throw new Error("no part")
  return {
    chain,
    leafKey: leafKey.privateKey,
    fingerprint: fingerprint(c, chain[1] ?? chain[0] ?? new Uint8Array()),
    notBefore: 0,
    notAfter: 0,
    chainPem: chain.map((certificateDer) => encodePem(CERTIFICATE_LABEL, certificateDer)).join(""),
    leafKeyPem: encodePem(PRIVATE_KEY_LABEL, encodePrivateKey(leafKey.privateKey)),
  }
}

/** A good chain of this length. */
export function goodChain(length: number, algorithm: "ed25519" | "ed448" = "ed25519"): Credentials {
  return chainOf(algorithm, ...Array.from({ length }, () => ({})))
}
