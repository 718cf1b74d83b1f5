import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { seededRandom } from "../../test/backends.ts"
import {
  decodeModQ,
  decodeRounded,
  decodeSmall,
  encodeModQ,
  encodeRounded,
  encodeSmall,
  PUBLIC_SIZE,
  ROUNDED_SIZE,
  round,
  SMALL_SIZE,
} from "./encode.ts"
import { inverseModQ, mod3, modQ, nearQ, negativeMask, nonZeroMask, P, Q, Q_HALF, WEIGHT } from "./field.ts"
import { inverseMod3 } from "./inverse-mod3.ts"
import { RANDOM_SIZE, shortPolynomial, smallPolynomial } from "./random.ts"
import { inverseOfTriple, multiplyMod3, multiplyModQ, type Polynomial } from "./ring.ts"
import { sortConstantTime } from "./sort.ts"

const random = seededRandom("sntrup")

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  random(bytes)
  return bytes
}

/** The polynomial 1. */
const ONE = new Int32Array(P)
ONE[0] = 1

/** x mod n, nearest to 0, by division. */
function centered(x: number, n: number): number {
  const rest = ((x % n) + n) % n
  return rest > n / 2 ? rest - n : rest
}

describe("field", () => {
  it("reduces every number in the documented range", () => {
    const wrong: number[] = []
    for (let x = -16_000; x <= 16_000; x++) if (mod3(x) !== centered(x, 3)) wrong.push(x)
    let expected = centered(-11_000_000, Q)
    for (let x = -11_000_000; x <= 11_000_000; x++) {
      if (modQ(x) !== expected) wrong.push(x)
      expected = expected === Q_HALF ? -Q_HALF : expected + 1
    }
    expect(wrong).toEqual([])
  })

  it("reduces nearly, and 0 to nothing but 0", () => {
    let worst = 0
    let different = 0
    for (let x = -17_000_000; x <= 17_000_000; x += 3) {
      const near = nearQ(x)
      worst = Math.max(worst, Math.abs(near))
      if ((x - near) % Q !== 0) different++
    }
    expect(worst).toBeLessThanOrEqual(2900)
    expect(different).toBe(0)
  })

  it("inverts", () => {
    for (let a = 1; a <= Q_HALF; a += 13) expect(modQ(Math.imul(a, inverseModQ(a)))).toBe(1)
    expect(inverseModQ(0)).toBe(0)
  })

  it("makes masks", () => {
    expect([-5, 0, 5].map(negativeMask)).toEqual([-1, 0, 0])
    expect([-5, 0, 5, -(2 ** 31)].map(nonZeroMask)).toEqual([-1, 0, -1, -1])
  })
})

describe("sort", () => {
  it("sorts what the standard library sorts", () => {
    fc.assert(
      fc.property(fc.int32Array({ maxLength: 100 }), (values) => {
        const sorted = values.slice()
        sortConstantTime(sorted)
        expect(sorted).toEqual(values.toSorted((a, b) => a - b))
      }),
    )
  })

  it("compares the ends of the range", () => {
    const values = Int32Array.of(2 ** 31 - 1, -(2 ** 31), 0, -1, 2 ** 31 - 1, -(2 ** 31))
    sortConstantTime(values)
    expect([...values]).toEqual([-(2 ** 31), -(2 ** 31), -1, 0, 2 ** 31 - 1, 2 ** 31 - 1])
  })
})

describe("ring", () => {
  it("x^761 is x + 1", () => {
    const [power, x] = [new Int32Array(P), new Int32Array(P)]
    power[P - 1] = 1
    x[1] = 1
    const expected = new Int32Array(P)
    expected[0] = 1
    expected[1] = 1
    expect(multiplyModQ(power, x)).toEqual(expected)
    expect(multiplyMod3(power, x)).toEqual(expected)
  })

  it("inverts short polynomials over Z/q, up to the factor 3", () => {
    for (let i = 0; i < 3; i++) {
      const short = shortPolynomial(randomBytes(RANDOM_SIZE))
      const product = multiplyModQ(inverseOfTriple(short), short)
      expect(product.map((x) => modQ(3 * x))).toEqual(ONE)
    }
  })

  it("inverts small polynomials over Z/3 where that is possible", () => {
    const inverses = Array.from({ length: 5 }, () => {
      const small = smallPolynomial(randomBytes(RANDOM_SIZE))
      const inverse = inverseMod3(small)
      if (inverse !== undefined) expect(multiplyMod3(inverse, small)).toEqual(ONE)
      return inverse
    })
    expect(inverses.filter((inverse) => inverse !== undefined).length).toBeGreaterThan(2)
    expect(inverseMod3(ONE)).toEqual(ONE)
    expect(inverseMod3(new Int32Array(P))).toBeUndefined()
  })
})

describe("random polynomials", () => {
  it("short: 286 coefficients are 1 or -1", () => {
    for (let i = 0; i < 20; i++) {
      const short = shortPolynomial(randomBytes(RANDOM_SIZE))
      expect(short.reduce((weight, x) => weight + Math.abs(x), 0)).toBe(WEIGHT)
    }
  })

  it("short: whatever the randomness", () => {
    for (const fill of [0, 0xff, 0x80]) {
      const short = shortPolynomial(new Uint8Array(RANDOM_SIZE).fill(fill))
      expect(short.reduce((weight, x) => weight + Math.abs(x), 0)).toBe(WEIGHT)
    }
  })

  it("small: each coefficient a third of the time", () => {
    const counts = new Map<number, number>()
    for (let i = 0; i < 20; i++) {
      for (const x of smallPolynomial(randomBytes(RANDOM_SIZE))) counts.set(x, (counts.get(x) ?? 0) + 1)
    }
    expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([-1, 0, 1])
    for (const count of counts.values()) expect(Math.abs(count / (20 * P) - 1 / 3)).toBeLessThan(0.03)
  })
})

describe("encodings", () => {
  const polynomial = (low: number, high: number): fc.Arbitrary<Polynomial> =>
    fc.array(fc.integer({ min: low, max: high }), { minLength: P, maxLength: P }).map((list) => Int32Array.from(list))

  it("small polynomials come back", () => {
    fc.assert(
      fc.property(polynomial(-1, 1), (a) => {
        const bytes = encodeSmall(a)
        expect(bytes.length).toBe(SMALL_SIZE)
        expect(decodeSmall(bytes)).toEqual(a)
      }),
      { numRuns: 10 },
    )
  })

  it("polynomials over Z/q come back, rounded ones too", () => {
    fc.assert(
      fc.property(polynomial(-Q_HALF, Q_HALF), (a) => {
        const bytes = encodeModQ(a)
        expect(bytes.length).toBe(PUBLIC_SIZE)
        expect(decodeModQ(bytes)).toEqual(a)
        const rounded = round(a)
        expect(rounded.every((x, i) => x % 3 === 0 && Math.abs(x - (a[i] ?? 0)) <= 1)).toBe(true)
        const short = encodeRounded(rounded)
        expect(short.length).toBe(ROUNDED_SIZE)
        expect(decodeRounded(short)).toEqual(rounded)
      }),
      { numRuns: 10 },
    )
  })

  it("the ends of the range come back", () => {
    for (const value of [-Q_HALF, Q_HALF]) {
      const a = new Int32Array(P).fill(value)
      expect(decodeModQ(encodeModQ(a))).toEqual(a)
      expect(decodeRounded(encodeRounded(a))).toEqual(a)
    }
  })

  it("any bytes decode to coefficients in range", () => {
    for (const fill of [0, 0xff, undefined]) {
      const bytes = (length: number): Uint8Array =>
        fill === undefined ? randomBytes(length) : new Uint8Array(length).fill(fill)
      expect(decodeModQ(bytes(PUBLIC_SIZE)).every((x) => Math.abs(x) <= Q_HALF)).toBe(true)
      expect(decodeRounded(bytes(ROUNDED_SIZE)).every((x) => Math.abs(x) <= Q_HALF && x % 3 === 0)).toBe(true)
    }
  })
})
