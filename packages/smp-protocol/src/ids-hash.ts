import type { CryptoBackend } from "@sluice/crypto/backend"

/** Bytes of a hash of a set of ids (smp.md §2.4). */
export const IDS_HASH_LENGTH = 16

/** Hash of the empty set: 16 zero bytes, in a new array. */
export function emptyIdsHash(): Uint8Array {
  return new Uint8Array(IDS_HASH_LENGTH)
}

/** Hash of the set with this one id: its MD5. */
export function idHash(c: CryptoBackend, id: Uint8Array): Uint8Array {
  return c.md5(id)
}

/** Hash of a set of ids. Order does not matter, and an id that occurs twice cancels itself. */
export function idsHash(c: CryptoBackend, ids: Iterable<Uint8Array>): Uint8Array {
  const hash = emptyIdsHash()
  for (const id of ids) toggleId(c, hash, id)
  return hash
}

/** Adds an id to the hash in place, or removes it: XOR makes them the same operation. */
export function toggleId(c: CryptoBackend, hash: Uint8Array, id: Uint8Array): void {
  xorInto(hash, c.md5(id))
}

/** XOR of two hashes in a new array as long as the longer one; a shorter one counts as filled up with zero bytes. */
export function xorHashes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const [longer, shorter] = a.length >= b.length ? [a, b] : [b, a]
  const result = longer.slice()
  xorInto(result, shorter)
  return result
}

function xorInto(target: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < other.length; i++) target[i] = (target[i] as number) ^ (other[i] as number)
}
