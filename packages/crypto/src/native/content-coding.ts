import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto"
import { concatBytes } from "@sluice/encoding/bytes"
import { TAG_SIZE } from "../backend.ts"
import { requireLength } from "../errors.ts"

/** RFC 5869 with SHA-256: `length` bytes, at most 8160. */
export function hkdfSha256(salt: Uint8Array, ikm: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", ikm, salt, info, length))
}

/** AES-128-GCM: cipher text, then its tag of 16 bytes. `key` has 16 bytes, `nonce` 12. */
export function aes128GcmSeal(key: Uint8Array, nonce: Uint8Array, message: Uint8Array): Uint8Array {
  requireLength(key, 16, "AES key")
  requireLength(nonce, 12, "nonce")
  const cipher = createCipheriv("aes-128-gcm", key, nonce, { authTagLength: TAG_SIZE })
  const body = cipher.update(message)
  cipher.final() // a stream mode keeps nothing back: this only completes the tag
  return concatBytes(body, cipher.getAuthTag())
}

/** Counterpart of {@link aes128GcmSeal}; `undefined` if the tag does not fit or there is none. */
export function aes128GcmOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  requireLength(key, 16, "AES key")
  requireLength(nonce, 12, "nonce")
  const length = sealed.length - TAG_SIZE
  if (length < 0) return undefined
  const decipher = createDecipheriv("aes-128-gcm", key, nonce, { authTagLength: TAG_SIZE })
  decipher.setAuthTag(sealed.subarray(length))
  const message = decipher.update(sealed.subarray(0, length))
  try {
    decipher.final()
  } catch {
    return undefined // the tag does not fit, the one thing that `final` of this mode can refuse
  }
  return new Uint8Array(message)
}
