import { mod3, P, Q, Q_HALF } from "./field.ts"
import type { Polynomial } from "./ring.ts"

/** Bytes of a polynomial with coefficients -1, 0 and 1. */
export const SMALL_SIZE = 191
/** Bytes of a polynomial over Z/q. */
export const PUBLIC_SIZE = 1158
/** Bytes of a polynomial over Z/q whose coefficients are multiples of 3. */
export const ROUNDED_SIZE = 1007

const THIRD = (Q + 2) / 3 // 1531 multiples of 3
/** A pair of values is written out byte by byte until what is left is below this. */
const LIMIT = 16_384

/** Four coefficients a byte, two bits each. */
export function encodeSmall(small: Polynomial): Uint8Array {
  const out = new Uint8Array(SMALL_SIZE)
  for (let i = 0; i < P; i++) {
    const at = i >> 2
    out[at] = (out[at] as number) | (((small[i] as number) + 1) << (2 * (i & 3)))
  }
  return out
}

/** Reads what {@link encodeSmall} wrote. */
export function decodeSmall(bytes: Uint8Array): Polynomial {
  return new Int32Array(P).map((_, i) => (((bytes[i >> 2] as number) >> (2 * (i & 3))) & 3) - 1)
}

/** A public key. */
export function encodeModQ(a: Polynomial): Uint8Array {
  return encode(
    a.map((x) => x + Q_HALF),
    Q,
    PUBLIC_SIZE,
  )
}

/** Reads a public key; any 1158 bytes are one. */
export function decodeModQ(bytes: Uint8Array): Polynomial {
  return decode(bytes, Q).map((x) => x - Q_HALF)
}

/** Every coefficient rounded to the nearest multiple of 3. */
export function round(a: Polynomial): Polynomial {
  return a.map((x) => x - mod3(x))
}

/** A rounded polynomial. */
export function encodeRounded(a: Polynomial): Uint8Array {
  return encode(
    a.map((x) => Math.imul(x + Q_HALF, 10_923) >> 15),
    THIRD,
    ROUNDED_SIZE,
  )
}

/** Reads a rounded polynomial; any 1007 bytes are one. */
export function decodeRounded(bytes: Uint8Array): Polynomial {
  return decode(bytes, THIRD).map((x) => 3 * x - Q_HALF)
}

/**
 * Packs numbers below `modulus`: neighbours are joined to one number below the product of their limits, whose low bytes
 * are written while it is large, and so on with the half as many numbers that are left. Limits are public.
 */
function encode(values: Int32Array, modulus: number, size: number): Uint8Array {
  const out = new Uint8Array(size)
  let at = 0
  const limits = new Int32Array(values.length).fill(modulus)
  let length = values.length
  while (length > 1) {
    for (let i = 0; i + 1 < length; i += 2) {
      const limit = limits[i] as number
      let value = (values[i] as number) + Math.imul(values[i + 1] as number, limit)
      let left = Math.imul(limits[i + 1] as number, limit)
      while (left >= LIMIT) {
        out[at++] = value
        value >>>= 8
        left = (left + 255) >>> 8
      }
      values[i >> 1] = value
      limits[i >> 1] = left
    }
    length = halve(values, limits, length)
  }
  let value = values[0] as number
  for (let left = limits[0] as number; left > 1; left = (left + 255) >>> 8) {
    out[at++] = value
    value >>>= 8
  }
  return out
}

/** An odd one out moves up unchanged. */
function halve(values: Int32Array, limits: Int32Array, length: number): number {
  if (length % 2 === 1) {
    values[length >> 1] = values[length - 1] as number
    limits[length >> 1] = limits[length - 1] as number
  }
  return (length + 1) >> 1
}

/** One level of the packing: the limits of its numbers, and what was written of each pair. */
interface Level {
  readonly limits: Int32Array
  readonly low: Int32Array
  readonly lowLimits: Int32Array
}

/** The reverse of {@link encode}, for public values only: it divides. */
function decode(bytes: Uint8Array, modulus: number): Int32Array {
  const levels: Level[] = []
  let limits = new Int32Array(P).fill(modulus)
  let at = 0
  while (limits.length > 1) {
    const pairs = limits.length >> 1
    const [low, lowLimits] = [new Int32Array(pairs), new Int32Array(pairs).fill(1)]
    const next = new Int32Array((limits.length + 1) >> 1)
    if (limits.length % 2 === 1) next[pairs] = limits[limits.length - 1] as number
    for (let i = 0; i < pairs; i++) {
      let left = Math.imul(limits[2 * i] as number, limits[2 * i + 1] as number)
      while (left >= LIMIT) {
        low[i] = (low[i] as number) + Math.imul(bytes[at++] as number, lowLimits[i] as number)
        lowLimits[i] = (lowLimits[i] as number) << 8
        left = (left + 255) >>> 8
      }
      next[i] = left
    }
    levels.push({ limits, low, lowLimits })
    limits = next
  }
  let last = 0
  let shift = 0
  for (let left = limits[0] as number; left > 1; left = (left + 255) >>> 8) {
    last += (bytes[at++] as number) << shift
    shift += 8
  }
  let values = Int32Array.of(last % (limits[0] as number))
  for (const level of levels.reverse()) values = split(values, level)
  return values
}

function split(joined: Int32Array, { limits, low, lowLimits }: Level): Int32Array<ArrayBuffer> {
  const values = new Int32Array(limits.length)
  for (let i = 0; i < low.length; i++) {
    const limit = limits[2 * i] as number
    // Up to 2^30, so that all of this is exact.
    const value = (low[i] as number) + (joined[i] as number) * (lowLimits[i] as number)
    values[2 * i] = value % limit
    values[2 * i + 1] = Math.floor(value / limit) % (limits[2 * i + 1] as number)
  }
  if (limits.length % 2 === 1) values[limits.length - 1] = joined[low.length] as number
  return values
}
