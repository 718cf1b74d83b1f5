import { concatBytes } from "@sluice/encoding/bytes"
import type { CryptoBackend } from "./backend.ts"
import { requireLength } from "./errors.ts"
import { type Encapsulation, KEM_CIPHERTEXT_SIZE, KEM_PUBLIC_KEY_SIZE, KEM_SECRET_KEY_SIZE, type Kem } from "./kem.ts"
import {
  decodeModQ,
  decodeRounded,
  decodeSmall,
  encodeModQ,
  encodeRounded,
  encodeSmall,
  ROUNDED_SIZE,
  round,
  SMALL_SIZE,
} from "./sntrup/encode.ts"
import { mod3, modQ, nonZeroMask, P, WEIGHT } from "./sntrup/field.ts"
import { inverseMod3 } from "./sntrup/inverse-mod3.ts"
import { RANDOM_SIZE, shortPolynomial, smallPolynomial } from "./sntrup/random.ts"
import { inverseOfTriple, multiplyMod3, multiplyModQ, type Polynomial } from "./sntrup/ring.ts"

// A secret key is f ‖ 1/g ‖ public key ‖ ρ ‖ H4(public key).
const PUBLIC_KEY_AT = 2 * SMALL_SIZE
const RHO_AT = PUBLIC_KEY_AT + KEM_PUBLIC_KEY_SIZE
const HASH_AT = RHO_AT + SMALL_SIZE

/** First byte of what is hashed, which keeps the uses of the hash apart. */
const HASH = { REJECTED: 0, SESSION: 1, CONFIRMATION: 2, INPUT: 3, PUBLIC_KEY: 4 } as const

/**
 * Streamlined NTRU Prime sntrup761, third round of the NIST project and as in OpenSSH (crypto.md §7): the KEM of the
 * ratchet. Runs everywhere; hashes and random bytes come from the back end. One key pair takes 3044 random bytes for g,
 * again as many for each g without an inverse, 3044 for f and 191 for ρ, in this order; one encapsulation 3044.
 */
export function createSntrup761(c: CryptoBackend): Kem {
  return {
    generateKeyPair() {
      const inverse = smallInverse(c)
      const f = shortPolynomial(c.randomBytes(RANDOM_SIZE))
      const publicKey = encodeModQ(multiplyModQ(inverseOfTriple(f), inverse.of))
      const rho = c.randomBytes(SMALL_SIZE)
      const hash = hashed(c, HASH.PUBLIC_KEY, publicKey)
      return {
        publicKey,
        secretKey: concatBytes(encodeSmall(f), encodeSmall(inverse.inverse), publicKey, rho, hash),
      }
    },

    encapsulate(publicKey): Encapsulation {
      requireLength(publicKey, KEM_PUBLIC_KEY_SIZE, "KEM public key")
      const short = shortPolynomial(c.randomBytes(RANDOM_SIZE))
      const { input, ciphertext } = hide(c, short, publicKey, hashed(c, HASH.PUBLIC_KEY, publicKey))
      return { ciphertext, sharedSecret: sessionKey(c, HASH.SESSION, input, ciphertext) }
    },

    decapsulate(secretKey, ciphertext) {
      requireLength(secretKey, KEM_SECRET_KEY_SIZE, "KEM secret key")
      requireLength(ciphertext, KEM_CIPHERTEXT_SIZE, "KEM ciphertext")
      const short = reveal(secretKey, ciphertext)
      const publicKey = secretKey.subarray(PUBLIC_KEY_AT, RHO_AT)
      const { input, ciphertext: again } = hide(c, short, publicKey, secretKey.subarray(HASH_AT))
      // Implicit rejection, without a branch: an input that gives another ciphertext is replaced by ρ.
      const rejected = differenceMask(ciphertext, again)
      for (let i = 0; i < SMALL_SIZE; i++) {
        const byte = input[i] as number
        input[i] = byte ^ (rejected & (byte ^ (secretKey[RHO_AT + i] as number)))
      }
      return sessionKey(c, HASH.SESSION + rejected, input, ciphertext)
    },
  }
}

/** A small polynomial with an inverse modulo 3, and that inverse. */
function smallInverse(c: CryptoBackend): { of: Polynomial; inverse: Polynomial } {
  for (;;) {
    const of = smallPolynomial(c.randomBytes(RANDOM_SIZE))
    const inverse = inverseMod3(of)
    if (inverse !== undefined) return { of, inverse }
  }
}

/** Encrypts a short polynomial, and confirms it: the 1039 bytes of the ciphertext, and the 191 of the polynomial. */
function hide(
  c: CryptoBackend,
  short: Polynomial,
  publicKey: Uint8Array,
  publicKeyHash: Uint8Array,
): { input: Uint8Array; ciphertext: Uint8Array } {
  const input = encodeSmall(short)
  const rounded = encodeRounded(round(multiplyModQ(decodeModQ(publicKey), short)))
  const confirmation = hashed(c, HASH.CONFIRMATION, hashed(c, HASH.INPUT, input), publicKeyHash)
  return { input, ciphertext: concatBytes(rounded, confirmation) }
}

/** The short polynomial of a ciphertext; a fixed one for a ciphertext of none. */
function reveal(secretKey: Uint8Array, ciphertext: Uint8Array): Polynomial {
  const f = decodeSmall(secretKey.subarray(0, SMALL_SIZE))
  const inverse = decodeSmall(secretKey.subarray(SMALL_SIZE, PUBLIC_KEY_AT))
  const c = decodeRounded(ciphertext.subarray(0, ROUNDED_SIZE))
  const e = multiplyModQ(c, f).map((x) => mod3(modQ(Math.imul(3, x))))
  const candidate = multiplyMod3(e, inverse)
  let weight = 0
  for (let i = 0; i < P; i++) weight += (candidate[i] as number) & 1
  const wrong = nonZeroMask(weight - WEIGHT)
  return candidate.map((x, i) => {
    const fallback = i < WEIGHT ? 1 : 0
    return ((x ^ fallback) & ~wrong) ^ fallback
  })
}

/** The first 32 bytes of SHA-512 of a byte and parts. */
function hashed(c: CryptoBackend, use: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return c.sha512(concatBytes(Uint8Array.of(use), ...parts)).slice(0, 32)
}

function sessionKey(c: CryptoBackend, use: number, input: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return hashed(c, use, hashed(c, HASH.INPUT, input), ciphertext)
}

/** All ones if the two differ, otherwise 0. Looks at every byte. */
function differenceMask(a: Uint8Array, b: Uint8Array): number {
  let difference = 0
  for (let i = 0; i < KEM_CIPHERTEXT_SIZE; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return nonZeroMask(difference)
}
