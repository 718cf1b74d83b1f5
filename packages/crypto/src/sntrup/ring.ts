import { inverseModQ, mod3, modQ, negativeMask, nonZeroMask, P } from "./field.ts"

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

/**
 * The state of a division-step inversion (Bernstein and Yang, "Fast constant-time gcd computation"): f and g are the
 * modulus and the input with their coefficients reversed, v and r the cofactors. It takes 2p-1 steps whatever the input.
 */
interface Inversion {
  readonly f: Int32Array
  readonly g: Int32Array
  readonly v: Int32Array
  readonly r: Int32Array
}

function startInversion(input: Polynomial, one: number): Inversion {
  const [f, g, v, r] = Array.from({ length: 4 }, () => new Int32Array(P + 1)) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ]
  f[0] = 1
  f[P - 1] = -1
  f[P] = -1
  for (let i = 0; i < P; i++) g[P - 1 - i] = input[i] as number
  r[0] = one
  return { f, g, v, r }
}

const STEPS = 2 * P - 1

/**
 * Runs the division steps; `reduce` is the field. Returns a mask that is 0 if the input has an inverse. The bounds of the
 * inner loops leave out coefficients that are zero or no longer matter, which depends on the number of the step alone.
 */
function invert({ f, g, v, r }: Inversion, reduce: (x: number) => number): number {
  let delta = 1
  for (let step = 0; step < STEPS; step++) {
    const swap = negativeMask(-delta) & nonZeroMask(g[0] as number)
    delta = (delta ^ (swap & (delta ^ -delta))) + 1
    const difference = swap & ((f[0] as number) ^ (g[0] as number))
    const f0 = (f[0] as number) ^ difference
    const g0 = (g[0] as number) ^ difference
    f[0] = f0
    const last = Math.min(P, STEPS - step)
    for (let i = 1; i <= last; i++) {
      const change = swap & ((f[i] as number) ^ (g[i] as number))
      const fi = (f[i] as number) ^ change
      f[i] = fi
      g[i - 1] = reduce(Math.imul(f0, (g[i] as number) ^ change) - Math.imul(g0, fi))
    }
    if (last === P) g[P] = 0
    for (let i = Math.min(P, step + 1); i >= 0; i--) {
      const vOld = i === 0 ? 0 : (v[i - 1] as number)
      const rOld = r[i] as number
      const change = swap & (vOld ^ rOld)
      const vi = vOld ^ change
      v[i] = vi
      r[i] = reduce(Math.imul(f0, rOld ^ change) - Math.imul(g0, vi))
    }
  }
  return nonZeroMask(delta)
}

/** `1 / (3 · input)` over Z/q. `input` is short and not zero, so that there always is one: the ring is a field. */
export function inverseOfTriple(input: Polynomial): Polynomial {
  const state = startInversion(input, inverseModQ(3))
  invert(state, modQ)
  const scale = inverseModQ(state.f[0] as number)
  return reversed(state.v, (x) => modQ(Math.imul(scale, x)))
}

/** `1 / input` over Z/3, or `undefined` if there is none. */
export function inverseMod3(input: Polynomial): Polynomial | undefined {
  const state = startInversion(input, 1)
  const failed = invert(state, mod3)
  const scale = state.f[0] as number
  // Whether there is an inverse is no secret: a key is made anew until there is.
  return failed === 0 ? reversed(state.v, (x) => Math.imul(scale, x)) : undefined
}

function reversed(v: Int32Array, map: (x: number) => number): Polynomial {
  const out = new Int32Array(P)
  for (let i = 0; i < P; i++) out[i] = map(v[P - 1 - i] as number)
  return out
}
