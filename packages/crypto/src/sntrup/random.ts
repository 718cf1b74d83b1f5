import { P, WEIGHT } from "./field.ts"
import type { Polynomial } from "./ring.ts"
import { sortConstantTime } from "./sort.ts"

/** Bytes of randomness for one polynomial: four per coefficient. */
export const RANDOM_SIZE: number = 4 * P

/** A polynomial with coefficients -1, 0 and 1 from 3044 random bytes. */
export function smallPolynomial(random: Uint8Array): Polynomial {
  return words(random).map((word) => (Math.imul(word & 0x3fff_ffff, 3) >>> 30) - 1)
}

/**
 * A polynomial with exactly 286 coefficients -1 or 1 and the others 0, from 3044 random bytes: the last two bits of each
 * word say which kind its coefficient is, and sorting the words puts them into random order.
 */
export function shortPolynomial(random: Uint8Array): Polynomial {
  const list = words(random)
  // Sorting is of unsigned words; with the highest bit changed, signed order is the same.
  for (let i = 0; i < P; i++) {
    const word = list[i] as number
    list[i] = (i < WEIGHT ? word & -2 : (word & -3) | 1) ^ 0x8000_0000
  }
  sortConstantTime(list)
  return list.map((word) => (word & 3) - 1)
}

/** Little-endian 32-bit words. */
function words(bytes: Uint8Array): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Int32Array.from({ length: P }, (_, i) => view.getInt32(4 * i, true))
}
