import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto"
import { fromLatin1 } from "@sluice/encoding/bytes"
import { type Algorithm, type PrivateKey, type PublicKey, publicKey, SIZES } from "../keys.ts"
import { Lru } from "./lru.ts"

/** Names of the algorithms in a JSON Web Key (RFC 8037). */
const CURVES: Readonly<Record<Algorithm, string>> = {
  ed25519: "Ed25519",
  ed448: "Ed448",
  x25519: "X25519",
  x448: "X448",
}

/**
 * OpenSSL keys of raw keys. Importing as JWK is some 16 times cheaper than importing DER; keeping the object saves
 * that too. The cache is bounded, so peers cannot fill memory by sending ever new keys.
 */
export class KeyObjects {
  readonly #publicKeys: Lru<KeyObject>
  readonly #privateKeys: Lru<KeyObject>

  /** `capacity`: how many public keys are kept at most, and how many private keys. */
  constructor(capacity: number) {
    this.#publicKeys = new Lru(capacity)
    this.#privateKeys = new Lru(capacity)
  }

  /** Throws what OpenSSL throws if it refuses the key. */
  ofPublic(key: PublicKey): KeyObject {
    return this.#publicKeys.get(cacheKey(key), () => importPublic(key))
  }

  /**
   * Whether `check` holds for a key that a stranger says is the right one. Only a key for which it holds is kept, and a
   * refusal always costs one import: otherwise its time would tell which keys were used lately, and which exist.
   * Throws what OpenSSL throws if it refuses the key, and what `check` throws.
   */
  holds(key: PublicKey, check: (object: KeyObject) => boolean): boolean {
    const name = cacheKey(key)
    const known = this.#publicKeys.find(name)
    if (known !== undefined && check(known)) return true
    const object = importPublic(key)
    if (known !== undefined || !check(object)) return false
    this.#publicKeys.get(name, () => object)
    return true
  }

  /** Private X448 keys are not kept: they are the ratchet's, which uses each once or twice and must then forget it. */
  ofPrivate(key: PrivateKey): KeyObject {
    if (key.algorithm === "x448") return importPrivate(key)
    return this.#privateKeys.get(cacheKey(key), () => importPrivate(key))
  }
}

/** The public half of a private key, computed by OpenSSL. */
export function derivePublicKey<A extends Algorithm>(key: PrivateKey<A>): PublicKey<A> {
  const { x } = createPublicKey(importPrivate(key)).export({ format: "jwk" })
  return publicKey(key.algorithm, new Uint8Array(Buffer.from(x ?? "", "base64url")))
}

function importPublic(key: PublicKey): KeyObject {
  return createPublicKey({ format: "jwk", key: { kty: "OKP", crv: CURVES[key.algorithm], x: base64Url(key.raw) } })
}

function importPrivate(key: PrivateKey): KeyObject {
  const crv = CURVES[key.algorithm]
  // The format wants a public half beside the private one; OpenSSL computes its own and looks only at the length.
  const x = base64Url(new Uint8Array(SIZES[key.algorithm].key))
  return createPrivateKey({ format: "jwk", key: { kty: "OKP", crv, d: base64Url(key.raw), x } })
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url")
}

function cacheKey(key: PublicKey | PrivateKey): string {
  return key.algorithm + fromLatin1(key.raw)
}
