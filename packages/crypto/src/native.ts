import { createCipheriv, createDecipheriv, diffieHellman, hash, sign, timingSafeEqual, verify } from "node:crypto"
import { fromLatin1 } from "@sluice/encoding/bytes"
import { type BackendOptions, type CryptoBackend, TAG_SIZE } from "./backend.ts"
import { CryptoError, requireAes, requireBox, requireLength } from "./errors.ts"
import { boxKeyOf } from "./hsalsa.ts"
import { type Algorithm, type KeyPair, type PrivateKey, type PublicKey, privateKey, publicKey, SIZES } from "./keys.ts"
import { hkdfSha512 } from "./native/hkdf.ts"
import { derivePublicKey, KeyObjects } from "./native/key-objects.ts"
import { Lru } from "./native/lru.ts"
import { pooledRandom } from "./native/random-pool.ts"
import { sodium } from "./native/sodium.ts"
import { isSmallOrderEd448 } from "./small-order.ts"

/** Options of the native back end. */
export interface NativeOptions extends BackendOptions {
  /** How many imported keys of each kind are kept (each costs about 1 KB of native memory). Default 1024. */
  readonly keyCacheSize?: number
}

const DEFAULT_KEY_CACHE = 1024

/**
 * The back end of servers: libsodium (boxes, X25519, Ed25519, HKDF) and, through node:crypto, OpenSSL (Ed448, X448,
 * hashes, AES-GCM). Not for browsers.
 */
export function createNativeCrypto(options: NativeOptions = {}): CryptoBackend {
  const random = options.random ?? pooledRandom()
  const capacity = options.keyCacheSize ?? DEFAULT_KEY_CACHE
  const keyObjects = new KeyObjects(capacity)
  // libsodium signs with seed and public key together; computing that costs as much as the signature itself.
  const expandedSeeds = new Lru<Uint8Array>(capacity)

  const randomBytes = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    random(bytes)
    return bytes
  }

  const publicKeyOf = <A extends Algorithm>(key: PrivateKey<A>): PublicKey<A> => {
    requireLength(key.raw, SIZES[key.algorithm].key, "private key")
    if (key.algorithm === "ed448" || key.algorithm === "x448") return derivePublicKey(key)
    const raw = new Uint8Array(32)
    if (key.algorithm === "x25519") sodium.crypto_scalarmult_base(raw, key.raw)
    else sodium.crypto_sign_seed_keypair(raw, new Uint8Array(64), key.raw)
    return publicKey(key.algorithm, raw)
  }

  const expandedSeed = (seed: Uint8Array): Uint8Array =>
    expandedSeeds.get(fromLatin1(seed), () => {
      const expanded = new Uint8Array(64)
      sodium.crypto_sign_seed_keypair(new Uint8Array(32), expanded, seed)
      return expanded
    })

  return {
    name: "native",
    randomBytes,

    generateKeyPair<A extends Algorithm>(algorithm: A): KeyPair<A> {
      const secret = privateKey(algorithm, randomBytes(SIZES[algorithm].key))
      return { privateKey: secret, publicKey: publicKeyOf(secret) }
    },

    publicKeyOf,

    sign(key, message) {
      requireLength(key.raw, SIZES[key.algorithm].key, "private key")
      if (key.algorithm === "ed448") return plain(sign(null, message, keyObjects.ofPrivate(key)))
      const signature = new Uint8Array(SIZES.ed25519.signature)
      sodium.crypto_sign_detached(signature, message, expandedSeed(key.raw))
      return signature
    },

    verify(key, message, signature) {
      const sizes = SIZES[key.algorithm]
      if (sizes.signature === 0 || signature.length !== sizes.signature || key.raw.length !== sizes.key) return false
      if (key.algorithm === "ed25519") return sodium.crypto_sign_verify_detached(signature, message, key.raw)
      if (isSmallOrderEd448(key.raw)) return false
      try {
        return keyObjects.holds(key, (object) => verify(null, message, object, signature))
      } catch {
        // OpenSSL refuses some keys by an exception; to the caller that is one more signature that does not hold.
        return false
      }
    },

    diffieHellman(own, peer) {
      if (own.algorithm !== peer.algorithm) throw new CryptoError("WRONG_ALGORITHM", "keys of two different curves")
      const size = SIZES[own.algorithm].key
      requireLength(own.raw, size, "private key")
      requireLength(peer.raw, size, "public key")
      try {
        if (own.algorithm === "x448") {
          return plain(diffieHellman({ privateKey: keyObjects.ofPrivate(own), publicKey: keyObjects.ofPublic(peer) }))
        }
        const secret = new Uint8Array(SIZES.x25519.secret)
        sodium.crypto_scalarmult(secret, own.raw, peer.raw)
        return secret
      } catch {
        // With lengths checked, the one thing that both libraries still refuse is an all-zero result.
        throw new CryptoError("LOW_ORDER_POINT", "peer's public key has low order")
      }
    },

    sha256: (data) => plain(hash("sha256", data, "buffer")),
    sha512: sha512Into,
    sha3_256: (data) => plain(hash("sha3-256", data, "buffer")),
    sha3_384: (data) => plain(hash("sha3-384", data, "buffer")),
    md5: (data) => plain(hash("md5", data, "buffer")),

    hkdf: hkdfSha512,

    boxKey: boxKeyOf,

    seal(key, nonce, message, out = new Uint8Array(message.length + TAG_SIZE)) {
      requireBox(key, nonce)
      requireLength(out, message.length + TAG_SIZE, "output")
      sodium.crypto_secretbox_easy(out, message, nonce, key)
      return out
    },

    open(key, nonce, packet, out) {
      requireBox(key, nonce)
      const length = packet.length - TAG_SIZE
      if (length < 0) return undefined
      const message = out ?? new Uint8Array(length)
      requireLength(message, length, "output")
      return sodium.crypto_secretbox_open_easy(message, packet, nonce, key) ? message : undefined
    },

    aesGcmEncrypt(key, iv, associated, message) {
      requireAes(key, iv)
      const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: TAG_SIZE })
      cipher.setAAD(associated)
      const body = plain(cipher.update(message))
      cipher.final() // a stream mode keeps nothing back: this only completes the tag
      return { tag: plain(cipher.getAuthTag()), body }
    },

    aesGcmDecrypt(key, iv, associated, tag, body) {
      requireAes(key, iv)
      if (tag.length !== TAG_SIZE) return undefined
      const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: TAG_SIZE })
      decipher.setAAD(associated)
      decipher.setAuthTag(tag)
      const message = plain(decipher.update(body))
      try {
        decipher.final()
      } catch {
        return undefined // the tag does not fit, the only thing that `final` of this mode can refuse
      }
      return message
    },

    timingSafeEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  }
}

/** From so many bytes on OpenSSL's SHA-512 costs less than libsodium's. */
const LONG = 1024

/** The result comes as text: a new buffer outside of the heap for it would cost more than the copy. */
function sha512Into(data: Uint8Array, out?: Uint8Array): Uint8Array {
  if (out === undefined) return plain(hash("sha512", data, "buffer"))
  requireLength(out, 64, "output")
  if (data.length < LONG) sodium.crypto_hash_sha512(out, data)
  else Buffer.from(out.buffer, out.byteOffset, 64).write(hash("sha512", data, "binary"), "binary")
  return out
}

/** Public types promise plain arrays, so a `Buffer` is turned into one over the same memory. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
}

/** The native back end with the operating system's randomness. */
export const nativeCrypto: CryptoBackend = createNativeCrypto()
