import { makeAuthenticator, verifyAuthenticator } from "@sluice/crypto/authenticator"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { dhBoxKey } from "@sluice/crypto/box"
import type { AuthKey, Ed25519Key, OneOfPrivate, PrivateKey, VerifyKey, X25519Key } from "@sluice/crypto/keys"
import { publicKey } from "@sluice/crypto/keys"
import { fromHex } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import { authorizationKind } from "./authorization-kind.ts"
import type { BoxKeyCache } from "./box-key-cache.ts"
import type { CorrId } from "./types.ts"

/** A private key that authorizes commands. */
export type AuthPrivateKey = OneOfPrivate<"ed25519" | "ed448" | "x25519">

/**
 * The authorization of a command by its key (smp.md §3.1): a signature of 64 or 114 bytes, or for X25519 keys an
 * authenticator of 80 bytes for the holder of `serverKey`, the server's session key. `message` is what is signed. The
 * correlation id is the nonce of the authenticator and must be unique in the connection. Throws `EncodeError` if an
 * X25519 key meets a server without session key (a connection without ALPN) or one of low order.
 */
export function authorize(
  c: CryptoBackend,
  key: AuthPrivateKey,
  message: Uint8Array,
  corrId: CorrId,
  serverKey: X25519Key | undefined,
): Uint8Array {
  if (key.algorithm !== "x25519") return c.sign(key, message)
  if (serverKey === undefined) throw new EncodeError("authorization: the server has no key for X25519")
  const boxKey = dhBoxKey(c, key, serverKey)
  if (boxKey === undefined) throw new EncodeError("authorization: the server's key has low order")
  return makeAuthenticator(c, boxKey, corrId, message)
}

/** What a server verifies with, one per connection. */
export interface Verifier {
  readonly crypto: CryptoBackend
  /** Private half of the session key of the hello. */
  readonly sessionKey: PrivateKey<"x25519">
  /** Filled with keys that authorized something, and no others: see {@link verifyAuthorization}. */
  readonly boxKeys: BoxKeyCache
}

/**
 * Whether `authorization` was made over `message` with one of the keys (smp.md §3.2, §3.3). Never throws.
 *
 * How long a refusal takes depends on the kind of the authorization and the number of keys of that kind alone; with no
 * key of its kind, or no keys because the queue does not exist, a constant key is used instead and the result ignored.
 * A refused authenticator always costs one Diffie-Hellman, even where the key is in the cache, so that the cache does
 * not tell which queues exist; only keys that authorized something get into it.
 */
export function verifyAuthorization(
  verifier: Verifier,
  keys: readonly AuthKey[],
  authorization: Uint8Array,
  message: Uint8Array,
  corrId: CorrId,
): boolean {
  const kind = authorizationKind(authorization)
  if (kind === undefined || kind === "none") return false
  let tried = false
  for (const key of keys) {
    if (key.algorithm !== kind) continue
    tried = true
    if (verifyWith(verifier, key, authorization, message, corrId)) return true
  }
  if (!tried) verifyWith(verifier, DUMMY_KEYS[kind], authorization, message, corrId)
  return false
}

/**
 * Spends the time of verifying an authorization that is refused whatever it is: unknown queue, key not allowed
 * (smp.md §3.3). Does nothing without authorization.
 */
export function verifyDummy(verifier: Verifier, authorization: Uint8Array, message: Uint8Array, corrId: CorrId): void {
  verifyAuthorization(verifier, [], authorization, message, corrId)
}

/** Whether a service's session key signed `message`, which never has the fingerprint in front. Never throws. */
export function verifyServiceSignature(
  c: CryptoBackend,
  sessionKey: Ed25519Key,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return c.verify(sessionKey, message, signature)
}

function verifyWith(
  verifier: Verifier,
  key: AuthKey,
  authorization: Uint8Array,
  message: Uint8Array,
  corrId: CorrId,
): boolean {
  return key.algorithm === "x25519"
    ? verifyX25519(verifier, key, authorization, message, corrId)
    : verifier.crypto.verify(key as VerifyKey, message, authorization)
}

function verifyX25519(
  { crypto: c, sessionKey, boxKeys }: Verifier,
  key: X25519Key,
  authorization: Uint8Array,
  message: Uint8Array,
  corrId: CorrId,
): boolean {
  const known = boxKeys.get(key)
  if (known !== undefined && verifyAuthenticator(c, known, corrId, message, authorization)) return true
  const boxKey = dhBoxKey(c, sessionKey, key)
  if (known !== undefined || boxKey === undefined) return false
  if (!verifyAuthenticator(c, boxKey, corrId, message, authorization)) return false
  boxKeys.set(key, boxKey)
  return true
}

/** Public keys of the first test vectors of RFC 8032 and RFC 7748; what they verify is never accepted. */
const DUMMY_KEYS = {
  ed25519: publicKey("ed25519", fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")),
  ed448: publicKey(
    "ed448",
    fromHex(
      "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180",
    ),
  ),
  x25519: publicKey("x25519", fromHex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")),
} as const
