import { concatBytes, toHex, utf8 } from "@sluice/encoding/bytes"
import { makeAuthenticator } from "../src/authenticator.ts"
import type { CryptoBackend } from "../src/backend.ts"
import { cbEncrypt, cbEncryptNoPad } from "../src/box.ts"
import { initChains, nextBlockKey } from "../src/chain.ts"
import {
  ALGORITHMS,
  type Algorithm,
  encodePrivateKey,
  encodePublicKey,
  type KeyPair,
  privateKey,
  publicKeyToString,
  SIZES,
} from "../src/keys.ts"
import { createNativeCrypto } from "../src/native.ts"
import { createPortableCrypto } from "../src/portable.ts"
import { signKey } from "../src/signed-object.ts"
import { sbEncryptTailTag } from "../src/tail-tag.ts"
import { fingerprint, parseCertificate } from "../src/x509.ts"
import { createCaCertificate, createLeafCertificate, createServiceCertificate } from "../src/x509-create.ts"
import { seededRandom } from "./backends.ts"

/** Both back ends with the same repeatable randomness, for vectors that contain some. */
export const SEEDED: readonly { readonly name: string; readonly make: () => CryptoBackend }[] = [
  { name: "native", make: () => createNativeCrypto({ random: seededRandom("vectors") }) },
  { name: "portable", make: () => createPortableCrypto({ random: seededRandom("vectors") }) },
]

/** `length` bytes that count up from `first`. */
function counted(first: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => first + i)
}

function pairOf<A extends Algorithm>(c: CryptoBackend, algorithm: A, first: number): KeyPair<A> {
  const secret = privateKey(algorithm, counted(first, SIZES[algorithm].key))
  return { privateKey: secret, publicKey: c.publicKeyOf(secret) }
}

/**
 * Everything in `test/vectors/crypto.json`, computed by one back end from fixed inputs. All bytes are hex. The inputs
 * are given beside the outputs, so that other implementations can use the file too.
 */
export function ownVectors(c: CryptoBackend): Record<string, unknown> {
  return {
    about: "Made by packages/crypto/test/write-vectors.ts; both back ends must give exactly this file.",
    keys: ALGORITHMS.map((algorithm) => keyVector(c, algorithm)),
    secrets: (["x25519", "x448"] as const).map((algorithm) => {
      const [a, b] = [pairOf(c, algorithm, 1), pairOf(c, algorithm, 101)]
      return {
        algorithm,
        privateKey: toHex(a.privateKey.raw),
        publicKey: toHex(b.publicKey.raw),
        secret: toHex(c.diffieHellman(a.privateKey, b.publicKey)),
      }
    }),
    signatures: (["ed25519", "ed448"] as const).map((algorithm) => {
      const message = utf8("what is signed")
      const { privateKey } = pairOf(c, algorithm, 1)
      const signature = toHex(c.sign(privateKey, message))
      return { algorithm, seed: toHex(privateKey.raw), message: toHex(message), signature }
    }),
    hashes: [0, 1, 200].map((length) => hashVector(c, counted(0, length))),
    boxes: [0, 5, 30].map((length) => boxVector(c, counted(50, length))),
    chains: chainVector(c),
    gcm: [12, 16].map((ivLength) => gcmVector(c, counted(0, ivLength))),
    signedKeys: (["ed25519", "ed448"] as const).map((algorithm) => {
      const signer = pairOf(c, algorithm, 1).privateKey
      const key = pairOf(c, "x25519", 101).publicKey
      return { algorithm, seed: toHex(signer.raw), key: toHex(key.raw), der: toHex(signKey(c, signer, key)) }
    }),
    certificates: (["ed25519", "ed448"] as const).map((algorithm) => certificateVector(c, algorithm)),
  }
}

function keyVector(c: CryptoBackend, algorithm: Algorithm): Record<string, string> {
  const { privateKey, publicKey } = pairOf(c, algorithm, 1)
  return {
    algorithm,
    privateRaw: toHex(privateKey.raw),
    publicRaw: toHex(publicKey.raw),
    publicDer: toHex(encodePublicKey(publicKey)),
    privateDer: toHex(encodePrivateKey(privateKey)),
    publicString: publicKeyToString(publicKey),
  }
}

function hashVector(c: CryptoBackend, data: Uint8Array): Record<string, string> {
  return {
    data: toHex(data),
    sha256: toHex(c.sha256(data)),
    sha512: toHex(c.sha512(data)),
    sha3_256: toHex(c.sha3_256(data)),
    sha3_384: toHex(c.sha3_384(data)),
    md5: toHex(c.md5(data)),
    hkdf: toHex(c.hkdf(counted(9, 32), data, "SimpleXSbChain", 88)),
  }
}

function boxVector(c: CryptoBackend, message: Uint8Array): Record<string, string> {
  const [secret, nonce] = [counted(0, 32), counted(100, 24)]
  return {
    secret: toHex(secret),
    nonce: toHex(nonce),
    message: toHex(message),
    boxKey: toHex(c.boxKey(secret)),
    unpadded: toHex(cbEncryptNoPad(c, secret, nonce, message)),
    paddedTo40: toHex(cbEncrypt(c, secret, nonce, message, 40)),
    tailTagPaddedTo40: toHex(sbEncryptTailTag(c, secret, nonce, message, 40)),
    authenticator: toHex(makeAuthenticator(c, c.boxKey(secret), nonce, message)),
  }
}

function chainVector(c: CryptoBackend): unknown {
  const [sessionId, secret] = [counted(0, 32), counted(32, 32)]
  const { a, b } = initChains(c, sessionId, secret)
  const steps = (start: Uint8Array): unknown[] => {
    const first = nextBlockKey(c, start)
    return [first, nextBlockKey(c, first.chain)].map(({ chain, key, nonce }) => ({
      key: toHex(key),
      nonce: toHex(nonce),
      chain: toHex(chain),
    }))
  }
  return {
    sessionId: toHex(sessionId),
    secret: toHex(secret),
    a: { start: toHex(a), steps: steps(a) },
    b: { start: toHex(b), steps: steps(b) },
  }
}

function gcmVector(c: CryptoBackend, iv: Uint8Array): Record<string, string> {
  const [key, associated, message] = [counted(0, 32), utf8("associated"), utf8("message")]
  const { tag, body } = c.aesGcmEncrypt(key, iv, associated, message)
  return {
    key: toHex(key),
    iv: toHex(iv),
    associated: toHex(associated),
    message: toHex(message),
    tagAndBody: toHex(concatBytes(tag, body)),
  }
}

function certificateVector(c: CryptoBackend, algorithm: "ed25519" | "ed448"): Record<string, string | number> {
  const validity = { notBefore: 1_767_225_600, notAfter: 4_102_444_800 }
  const [caKey, leafKey] = [pairOf(c, algorithm, 1), pairOf(c, algorithm, 101)]
  const ca = createCaCertificate(c, caKey, validity)
  const issuer = { certificate: parseCertificate(ca), key: caKey }
  return {
    algorithm,
    ...validity,
    caSeed: toHex(caKey.privateKey.raw),
    leafSeed: toHex(leafKey.privateKey.raw),
    ca: toHex(ca),
    leaf: toHex(createLeafCertificate(c, issuer, leafKey.publicKey, validity, "smp.example.org")),
    service: toHex(createServiceCertificate(c, leafKey, validity)),
    keyHash: toHex(fingerprint(c, ca)),
  }
}
