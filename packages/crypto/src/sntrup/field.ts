// Everything here and in the other files of this folder computes on 32-bit integers without branches, indices or
// divisions that depend on secrets. Where the reference algorithm says "if", a mask of all zeros or all ones does it.

/** Degree of the ring's polynomial x^761 - x - 1. */
export const P = 761
/** The prime field of the coefficients. */
export const Q = 4591
/** Half of the field: coefficients are -2295..2295. */
export const Q_HALF = 2295
/** Number of non-zero coefficients in a short polynomial. */
export const WEIGHT = 286

/** A coefficient modulo 3, as -1, 0 or 1. For |x| up to 16,000. */
export function mod3(x: number): number {
  return (x - Math.imul(3, (Math.imul(10_923, x) + 16_384) >> 15)) | 0
}

/**
 * A coefficient modulo 4591, as -2295..2295. For |x| up to 11 million: two approximate quotients (57 / 2^18 and
 * 29,235 / 2^27 are just under and just over 1/q) leave no more than one multiple.
 */
export function modQ(x: number): number {
  const near = (x - Math.imul(Q, Math.imul(57, x) >> 18)) | 0
  return (near - Math.imul(Q, (Math.imul(29_235, near) + 67_108_864) >> 27)) | 0
}

/**
 * The same coefficient modulo 4591, but within -2900..2900, so that 0 is still the only form of 0. For |x| up to 17 million,
 * which is what two products of such numbers give. One approximate quotient instead of two: for the loops of the inversion.
 */
export function nearQ(x: number): number {
  return (x - Math.imul(Q, (Math.imul(29_235, x >> 9) + 131_072) >> 18)) | 0
}

/** All ones for a negative number, otherwise 0. */
export function negativeMask(x: number): number {
  return x >> 31
}

/** All ones for any number but 0. */
export function nonZeroMask(x: number): number {
  return (x | -x) >> 31
}

/** 1 / a in the field by Fermat, a^(q-2); 0 for 0. The exponent is public. */
export function inverseModQ(a: number): number {
  let power = a
  for (let exponent = 1; exponent < Q - 2; exponent++) power = modQ(Math.imul(a, power))
  return power
}
