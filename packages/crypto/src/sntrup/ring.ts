import { inverseModQ, mod3, modQ, nearQ, negativeMask, nonZeroMask, P } from "./field.ts"

/** A polynomial: 761 coefficients, -2295..2295 in Z/q, and -1, 0 or 1 in Z/3. */
export type Polynomial = Int32Array

/** `a · small` in the ring, before reduction of the coefficients, which are below 5.3 million. */
function product(a: Polynomial, small: Polynomial): Int32Array {
  const full = new Int32Array(2 * P - 1)
  for (let i = 0; i < P; i++) {
    const factor = small[i] as number
    for (let j = 0; j < P; j++) full[i + j] = (full[i + j] as number) + Math.imul(a[j] as number, factor)
  }
  // x^761 = x + 1
  for (let i = 2 * P - 2; i >= P; i--) {
    const high = full[i] as number
    full[i - P] = (full[i - P] as number) + high
    full[i - P + 1] = (full[i - P + 1] as number) + high
  }
  return full.subarray(0, P)
}

/** `a · small` over Z/q; `small` has coefficients -1, 0 and 1. */
export function multiplyModQ(a: Polynomial, small: Polynomial): Polynomial {
  return product(a, small).map(modQ)
}

/** `a · b` over Z/3. */
export function multiplyMod3(a: Polynomial, b: Polynomial): Polynomial {
  return product(a, b).map(mod3)
}

const STEPS = 2 * P - 1

/**
 * `1 / (3 · input)` over Z/q. `input` is short and not zero, so that there always is one: the ring is a field.
 *
 * By division steps (Bernstein and Yang, "Fast constant-time gcd computation and modular inversion"): f and g are the
 * modulus and the input with their coefficients reversed, v and r the cofactors; there are 2p-1 steps whatever the input.
 * The bounds of the inner loops leave out coefficients that are zero or no longer matter, which depends on the number of
 * the step alone.
 */
export function inverseOfTriple(input: Polynomial): Polynomial {
  const f = new Int32Array(P + 1)
  const g = new Int32Array(P + 1)
  const v = new Int32Array(P + 1)
  const r = new Int32Array(P + 1)
  f[0] = 1
  f[P - 1] = -1
  f[P] = -1
  for (let i = 0; i < P; i++) g[P - 1 - i] = input[i] as number
  r[0] = inverseModQ(3)
  let delta = 1
  for (let step = 0; step < STEPS; step++) {
    const swap: number = negativeMask(-delta) & nonZeroMask(g[0] as number)
    delta = (delta ^ (swap & (delta ^ -delta))) + 1
    const difference: number = swap & ((f[0] as number) ^ (g[0] as number))
    const f0: number = (f[0] as number) ^ difference
    const g0: number = (g[0] as number) ^ difference
    f[0] = f0
    const last = Math.min(P, STEPS - step)
    combineDown(f, g, last, swap, f0, g0)
    if (last === P) g[P] = 0
    combineUp(v, r, Math.min(P, step + 1), swap, f0, g0)
    const lowest = r[0] as number
    v[0] = swap & lowest
    r[0] = nearQ(Math.imul(f0, lowest & ~swap) - Math.imul(g0, lowest & swap))
  }
  const scale = inverseModQ(modQ(f[0] as number))
  return new Int32Array(P).map((_, i) => modQ(Math.imul(scale, v[P - 1 - i] as number)))
}

/** Swaps two polynomials where `swap` is all ones, then `g := (f0 g - g0 f) / x`, from place 1 to `last`. */
function combineDown(f: Int32Array, g: Int32Array, last: number, swap: number, f0: number, g0: number): void {
  for (let i = 1; i <= last; i++) {
    const fOld = f[i] as number
    const gOld = g[i] as number
    const change = swap & (fOld ^ gOld)
    const fi = fOld ^ change
    f[i] = fi
    g[i - 1] = nearQ(Math.imul(f0, gOld ^ change) - Math.imul(g0, fi))
  }
}

/** The same for the cofactors: `v := x v`, swap, then `r := f0 r - g0 v`. From the top, since v moves up. */
function combineUp(v: Int32Array, r: Int32Array, last: number, swap: number, f0: number, g0: number): void {
  for (let i = last; i > 0; i--) {
    const vOld = v[i - 1] as number
    const rOld = r[i] as number
    const change = swap & (vOld ^ rOld)
    const vi = vOld ^ change
    v[i] = vi
    r[i] = nearQ(Math.imul(f0, rOld ^ change) - Math.imul(g0, vi))
  }
}
