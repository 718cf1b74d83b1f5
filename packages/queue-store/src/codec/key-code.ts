import { fromHex } from "@sluice/encoding/bytes"
import type { Reader } from "@sluice/encoding/reader"
import { smallBytes } from "@sluice/encoding/small-bytes"
import type { Writer } from "@sluice/encoding/writer"
import { copyOf } from "./copy.ts"

/**
 * Public keys without what is the same in all keys of an algorithm: a SPKI structure starts with a fixed prefix of 12
 * bytes. 33 bytes instead of 44 for Ed25519 and X25519, 58 instead of 69 for Ed448; anything else is kept whole.
 */
const PREFIXES: readonly { readonly prefix: Uint8Array; readonly raw: number }[] = [
  { prefix: fromHex("302a300506032b6570032100"), raw: 32 }, // Ed25519
  { prefix: fromHex("302a300506032b656e032100"), raw: 32 }, // X25519
  { prefix: fromHex("3043300506032b6571033a00"), raw: 57 }, // Ed448
]

const WHOLE = 0

/** Writes a key: u8 kind (1-based place in the table) and the raw key; or u8 0 and a u16-prefixed DER of any content. */
export function writeKey(w: Writer, der: Uint8Array): void {
  const kind = PREFIXES.findIndex(({ prefix, raw }) => der.length === prefix.length + raw && startsWith(der, prefix))
  const known = PREFIXES[kind]
  if (known === undefined) w.u8(WHOLE).large(der)
  else w.u8(kind + 1).raw(der.subarray(known.prefix.length))
}

/** Reads a key back as the same DER bytes, in memory of its own (see `smallBytes`). */
export function readKey(r: Reader): Uint8Array {
  const kind = r.u8("key kind")
  const known = PREFIXES[kind - 1]
  if (known === undefined) return copyOf(r.large("key"))
  const { prefix, raw } = known
  const der = smallBytes(prefix.length + raw)
  der.set(prefix)
  der.set(r.take(raw, "key"), prefix.length)
  return der
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false
  return true
}
