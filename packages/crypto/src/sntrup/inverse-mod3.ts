import { P } from "./field.ts"
import type { Polynomial } from "./ring.ts"

// Inversion over Z/3 with 32 coefficients in a word. A coefficient is two bits in two arrays: "is it 1 or -1" and "is it
// -1". Additions are a few logical operations on whole words, some ten times as fast as one coefficient after another.

const WORDS = Math.ceil((P + 1) / 32)

/** 768 coefficients of -1, 0 or 1, lowest first. */
interface Packed {
  /** Which coefficients are not 0. */
  readonly any: Int32Array
  /** Which are -1; a subset of `any`. */
  readonly minus: Int32Array
}

function packed(): Packed {
  return { any: new Int32Array(WORDS), minus: new Int32Array(WORDS) }
}

function put({ any, minus }: Packed, at: number, value: number): void {
  const word = at >> 5
  any[word] = (any[word] as number) | ((value & 1) << (at & 31))
  minus[word] = (minus[word] as number) | (((value >> 1) & 1) << (at & 31))
}

function coefficient({ any, minus }: Packed, at: number): number {
  const [word, bit] = [at >> 5, at & 31]
  return (((any[word] as number) >>> bit) & 1) - ((((minus[word] as number) >>> bit) & 1) << 1)
}

/** Swaps the two where `mask` is all ones. */
function swapIf(mask: number, a: Packed, b: Packed): void {
  for (let i = 0; i < WORDS; i++) {
    const any = mask & ((a.any[i] as number) ^ (b.any[i] as number))
    const minus = mask & ((a.minus[i] as number) ^ (b.minus[i] as number))
    a.any[i] = (a.any[i] as number) ^ any
    b.any[i] = (b.any[i] as number) ^ any
    a.minus[i] = (a.minus[i] as number) ^ minus
    b.minus[i] = (b.minus[i] as number) ^ minus
  }
}

/** `a += s · b`, where s is 0, or 1 or -1 as the masks `use` and `negate` (all ones or 0) say. */
function addMultiple(a: Packed, use: number, negate: number, b: Packed): void {
  for (let i = 0; i < WORDS; i++) {
    const [x, xMinus] = [a.any[i] as number, a.minus[i] as number]
    const y = (b.any[i] as number) & use
    const yMinus = ((b.minus[i] as number) ^ negate) & y
    // Both not 0: equal signs give the other sign (1 + 1 = -1), different ones 0.
    const both = x & y
    const different = xMinus ^ yMinus
    a.any[i] = (x | y) & ~(both & different)
    a.minus[i] = (both & ~different & ~xMinus) | (xMinus & ~y) | (yMinus & ~x)
  }
}

/** Every coefficient one place lower; the lowest is dropped. */
function divideByX({ any, minus }: Packed): void {
  for (const plane of [any, minus]) {
    for (let i = 0; i < WORDS - 1; i++) plane[i] = ((plane[i] as number) >>> 1) | ((plane[i + 1] as number) << 31)
    plane[WORDS - 1] = (plane[WORDS - 1] as number) >>> 1
  }
}

/** Every coefficient one place higher. */
function multiplyByX({ any, minus }: Packed): void {
  for (const plane of [any, minus]) {
    for (let i = WORDS - 1; i > 0; i--) plane[i] = ((plane[i] as number) << 1) | ((plane[i - 1] as number) >>> 31)
    plane[0] = (plane[0] as number) << 1
  }
}

/**
 * `1 / input` over Z/3 in the ring, or `undefined` if there is none, by the division steps that `inverseOfTriple` explains.
 * Whether there is an inverse is no secret: a key is made anew until there is.
 */
export function inverseMod3(input: Polynomial): Polynomial | undefined {
  const [f, g, v, r] = [packed(), packed(), packed(), packed()]
  put(f, 0, 1)
  put(f, P - 1, -1)
  put(f, P, -1)
  for (let i = 0; i < P; i++) put(g, P - 1 - i, input[i] as number)
  put(r, 0, 1)
  let delta = 1
  for (let step = 0; step < 2 * P - 1; step++) {
    multiplyByX(v)
    const swap = (-delta >> 31) & -((g.any[0] as number) & 1)
    delta = (delta ^ (swap & (delta ^ -delta))) + 1
    swapIf(swap, f, g)
    swapIf(swap, v, r)
    // g - (g0 / f0) f is 0 at its lowest place; f0 is never 0.
    const use = -((g.any[0] as number) & 1)
    const negate = -(~((g.minus[0] as number) ^ (f.minus[0] as number)) & 1)
    addMultiple(g, use, negate, f)
    addMultiple(r, use, negate, v)
    divideByX(g)
  }
  if (delta !== 0) return undefined
  const scale = coefficient(f, 0)
  return new Int32Array(P).map((_, i) => Math.imul(scale, coefficient(v, P - 1 - i)))
}
