import { KEM_SECRET_KEY_SIZE } from "@sluice/crypto/kem"
import { DecodeError } from "@sluice/encoding/errors"

/** The same bytes if there are exactly `length` of them; otherwise throws `DecodeError`. */
export function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new DecodeError("ratchet state: key of a wrong length")
  return bytes
}

/** The same bytes if they can be a KEM secret key; otherwise throws `DecodeError`. */
export function kemSecretKey(bytes: Uint8Array): Uint8Array {
  return exactly(bytes, KEM_SECRET_KEY_SIZE)
}

/** A version. Throws `DecodeError` on anything but 0..65535. */
export function u16Of(value: unknown): number {
  return whole(value, 0xffff)
}

/** A counter. Throws `DecodeError` on anything but 0..2^32-1. */
export function u32Of(value: unknown): number {
  return whole(value, 0xffff_ffff)
}

function whole(value: unknown, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value
  throw new DecodeError("ratchet state: number out of range")
}
