import { gcm } from "@noble/ciphers/aes.js"
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js"
import { ed448, x448 } from "@noble/curves/ed448.js"
import { ed25519, x25519 } from "@noble/curves/ed25519.js"
import { hkdf } from "@noble/hashes/hkdf.js"
import { md5 } from "@noble/hashes/legacy.js"
import { sha256, sha512 } from "@noble/hashes/sha2.js"
import { sha3_256, sha3_384 } from "@noble/hashes/sha3.js"
import { concatBytes, utf8 } from "@sluice/encoding/bytes"
import { type BackendOptions, type CryptoBackend, type RandomSource, TAG_SIZE } from "./backend.ts"
import { CryptoError, requireAes, requireBox, requireHkdfLength, requireLength } from "./errors.ts"
import { boxKeyOf } from "./hsalsa.ts"
import { type Algorithm, type KeyPair, type PrivateKey, type PublicKey, privateKey, publicKey, SIZES } from "./keys.ts"

const CURVES = { ed25519, ed448, x25519, x448 } as const

/** RFC 8032 as written: refuses encodings that are not canonical and public keys of small order. */
const STRICT = { zip215: false } as const

/** Most that `getRandomValues` gives in one call. */
const RANDOM_CHUNK = 65_536

/** The generator that browsers and Node have in common. */
const platformRandom: RandomSource = (into) => {
  for (let at = 0; at < into.length; at += RANDOM_CHUNK) {
    globalThis.crypto.getRandomValues(into.subarray(at, at + RANDOM_CHUNK))
  }
}

/**
 * The back end of browsers, in JavaScript alone. Also the second opinion in the tests of the native one. Some 10 times
 * slower for boxes and 30 times slower for curves, and not constant time (see README).
 */
export function createPortableCrypto(options: BackendOptions = {}): CryptoBackend {
  const random = options.random ?? platformRandom

  const randomBytes = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    random(bytes)
    return bytes
  }

  const publicKeyOf = <A extends Algorithm>(key: PrivateKey<A>): PublicKey<A> => {
    requireLength(key.raw, SIZES[key.algorithm].key, "private key")
    return publicKey(key.algorithm, CURVES[key.algorithm].getPublicKey(key.raw))
  }

  return {
    name: "portable",
    randomBytes,

    generateKeyPair<A extends Algorithm>(algorithm: A): KeyPair<A> {
      const secret = privateKey(algorithm, randomBytes(SIZES[algorithm].key))
      return { privateKey: secret, publicKey: publicKeyOf(secret) }
    },

    publicKeyOf,

    sign(key, message) {
      requireLength(key.raw, SIZES[key.algorithm].key, "private key")
      return CURVES[key.algorithm].sign(message, key.raw)
    },

    verify(key, message, signature) {
      const { algorithm, raw } = key
      const sizes = SIZES[algorithm]
      if (sizes.signature === 0 || signature.length !== sizes.signature || raw.length !== sizes.key) return false
      const curve = algorithm === "ed25519" ? ed25519 : ed448
      try {
        return curve.verify(signature, message, raw, STRICT)
      } catch {
        // The library reports some keys that are no points by an exception; such a signature just does not hold.
        return false
      }
    },

    diffieHellman(own, peer) {
      if (own.algorithm !== peer.algorithm) throw new CryptoError("WRONG_ALGORITHM", "keys of two different curves")
      const size = SIZES[own.algorithm].key
      requireLength(own.raw, size, "private key")
      requireLength(peer.raw, size, "public key")
      try {
        return CURVES[own.algorithm].getSharedSecret(own.raw, peer.raw)
      } catch {
        // With lengths checked, an all-zero result is the only thing left for the library to refuse.
        throw new CryptoError("LOW_ORDER_POINT", "peer's public key has low order")
      }
    },

    sha256: (data) => sha256(data),
    sha512: (data, out) => filled(out, sha512(data)),
    sha3_256: (data) => sha3_256(data),
    sha3_384: (data) => sha3_384(data),
    md5: (data) => md5(data),

    hkdf(salt, ikm, info, length, out) {
      requireHkdfLength(length)
      return filled(out, hkdf(sha512, ikm, salt, utf8(info), length))
    },

    boxKey: boxKeyOf,

    seal(key, nonce, message, out) {
      requireBox(key, nonce)
      if (out !== undefined) requireLength(out, message.length + TAG_SIZE, "output")
      const packet = xsalsa20poly1305(key, nonce).encrypt(message)
      if (out === undefined) return packet
      out.set(packet)
      return out
    },

    open(key, nonce, packet, out) {
      requireBox(key, nonce)
      const length = packet.length - TAG_SIZE
      if (length < 0) return undefined
      if (out !== undefined) requireLength(out, length, "output")
      const box = xsalsa20poly1305(key, nonce)
      const message = orUndefined(() => box.decrypt(packet))
      if (message === undefined || out === undefined) return message
      out.set(message)
      return out
    },

    aesGcmEncrypt(key, iv, associated, message) {
      requireAes(key, iv)
      const sealed = gcm(key, iv, associated).encrypt(message)
      return { tag: sealed.subarray(message.length), body: sealed.subarray(0, message.length) }
    },

    aesGcmDecrypt(key, iv, associated, tag, body) {
      requireAes(key, iv)
      if (tag.length !== TAG_SIZE) return undefined
      const cipher = gcm(key, iv, associated)
      const sealed = concatBytes(body, tag)
      return orUndefined(() => cipher.decrypt(sealed))
    },

    timingSafeEqual(a, b) {
      if (a.length !== b.length) return false
      let difference = 0
      for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
      return difference === 0
    },
  }
}

/** The caller's buffer with the result, where there is one. */
function filled(out: Uint8Array | undefined, result: Uint8Array): Uint8Array {
  if (out === undefined) return result
  requireLength(out, result.length, "output")
  out.set(result)
  return out
}

/** Runs a decryption of the library, which reports a wrong tag by an exception. */
function orUndefined(decrypt: () => Uint8Array): Uint8Array | undefined {
  try {
    return decrypt()
  } catch {
    return undefined
  }
}

/** The portable back end with the platform's randomness. */
export const portableCrypto: CryptoBackend = createPortableCrypto()
