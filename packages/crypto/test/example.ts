import type { CryptoBackend } from "@sluice/crypto/backend"
import { dhBoxKey, openPadded, sealPadded } from "@sluice/crypto/box"
import type { PrivateKey, X25519Key } from "@sluice/crypto/keys"

/** A message for the holder of `peer`, padded to 100 bytes: nonce (24), then the box (116). */
export function sealLetter(c: CryptoBackend, own: PrivateKey<"x25519">, peer: X25519Key, text: string): Uint8Array {
  const key = dhBoxKey(c, own, peer)
  if (key === undefined) throw new Error("the peer's key gives no secret")
  const nonce = c.randomBytes(24)
  return new Uint8Array([...nonce, ...sealPadded(c, key, nonce, new TextEncoder().encode(text), 100)])
}

/** The text of a letter, or `undefined` if it is not from the holder of `peer` or was changed. */
export function openLetter(
  c: CryptoBackend,
  own: PrivateKey<"x25519">,
  peer: X25519Key,
  letter: Uint8Array,
): string | undefined {
  const key = dhBoxKey(c, own, peer)
  if (key === undefined || letter.length < 24) return undefined
  const bytes = openPadded(c, key, letter.subarray(0, 24), letter.subarray(24))
  return bytes && new TextDecoder().decode(bytes)
}
