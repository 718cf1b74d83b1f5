import { fromUtf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"

/** Text of bytes that should be UTF-8; every byte that is not part of valid UTF-8 is read as `?` (agent.md §2). */
export function lenientUtf8(bytes: Uint8Array): string {
  const whole = decode(bytes)
  if (whole !== undefined) return whole
  let text = ""
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at] ?? 0)
    const char = at + length <= bytes.length ? decode(bytes.subarray(at, at + length)) : undefined
    text += char ?? "?"
    at += char === undefined ? 1 : length
  }
  return text
}

/** How many bytes the character has that begins with this byte. */
function sequenceLength(lead: number): number {
  if (lead < 0xc0) return 1
  if (lead < 0xe0) return 2
  return lead < 0xf0 ? 3 : 4
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
