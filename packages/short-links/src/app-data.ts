import { DecodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Writer } from "@sluice/encoding/writer"

/** Largest data with a one-byte length; longer data has this byte plus one in its place and a two-byte length. */
const MAX_SHORT = 254
const LONG = 255
const LONG_PREFIX = 3

/** The app's data inside user data (short-links.md §4.2), 0 to 65535 bytes; a view. */
export function readAppData(r: Reader): Uint8Array {
  if (r.peek() !== LONG) return r.short("app data")
  const rest = r.tail()
  const length = ((rest[1] ?? 0) << 8) | (rest[2] ?? 0)
  if (rest.length >= LONG_PREFIX + length) return rest.subarray(LONG_PREFIX, LONG_PREFIX + length)
  // The older form had a one-byte length always, so the byte may be a length as well.
  if (rest.length < 1 + LONG) throw new DecodeError("app data: truncated")
  return rest.subarray(1, 1 + LONG)
}

/** Counterpart of {@link readAppData}. */
export function writeAppData(w: Writer, data: Uint8Array): void {
  if (data.length <= MAX_SHORT) w.short(data)
  else w.u8(LONG).large(data)
}
