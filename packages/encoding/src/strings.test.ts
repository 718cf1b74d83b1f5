import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoded } from "../test/hostile.ts"
import { encodeBase64Url } from "./base64url.ts"
import { DecodeError } from "./errors.ts"
import { formatBool, formatList, formatMaybe, parseWhole, TextReader } from "./strings.ts"

interface Form {
  readonly value: unknown
  readonly text: string
  readonly parse: (r: TextReader) => unknown
}

function form<T>(values: fc.Arbitrary<T>, format: (value: T) => string, parse: (r: TextReader) => unknown) {
  return values.map((value): Form => ({ value, text: format(value), parse }))
}

const word = fc.string({ unit: fc.constantFrom(..."abcABC012:/é日"), minLength: 1, maxLength: 8 })
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

const forms: fc.Arbitrary<Form> = fc.oneof(
  form(fc.boolean(), formatBool, (r) => r.bool("f")),
  form(fc.nat(0xffff), String, (r) => r.u16("f")),
  form(fc.nat(0xffff_ffff), String, (r) => r.u32("f")),
  form(int64, String, (r) => r.int64("f")),
  form(fc.maxSafeInteger(), String, (r) => r.seconds("f")),
  form(fc.uint8Array({ minLength: 1, maxLength: 40 }), encodeBase64Url, (r) => r.bytes()),
  form(word, String, (r) => r.text()),
  form(
    fc.option(fc.nat(0xffff), { nil: undefined }),
    (v) => formatMaybe(v, String),
    (r) => r.maybe((x) => x.u16("f")),
  ),
  form(
    fc.array(int64),
    (v) => formatList(v, String),
    (r) => r.list((x) => x.int64("f")),
  ),
  form(
    fc.array(word, { minLength: 1 }),
    (v) => formatList(v, String),
    (r) => r.nonEmpty((x) => x.text()),
  ),
)

const STEPS: readonly ((r: TextReader) => unknown)[] = [
  (r) => r.literal("a", "f"),
  (r) => r.char("f"),
  (r) => r.bool("f"),
  (r) => r.u16("f"),
  (r) => r.u32("f"),
  (r) => r.int64("f"),
  (r) => r.seconds("f"),
  (r) => r.utcTime(),
  (r) => r.bytes(),
  (r) => r.text(),
  (r) => r.item(),
  (r) => r.maybe((x) => x.u16("f")),
  (r) => r.list((x) => x.bool("f")),
  (r) => r.nonEmpty((x) => x.u32("f")),
  (r) => r.space("f"),
  (r) => r.end(),
]

describe("string encodings", () => {
  it("round-trips tuples of every form", () => {
    fc.assert(
      fc.property(fc.array(forms, { minLength: 1, maxLength: 6 }), (fields) => {
        const text = fields.map((field) => field.text).join(" ")
        const values = parseWhole(text, (r) =>
          fields.map((field, i) => {
            if (i > 0) r.space("f")
            return field.parse(r)
          }),
        )
        expect(values).toEqual(fields.map((field) => field.value))
      }),
    )
  })

  it("answers any text with values or DecodeError and stays inside it", () => {
    const likely = fc.string({ unit: fc.constantFrom(..."TF0129+-=_aZ :,.\né"), maxLength: 20 })
    const programs = fc.array(fc.constantFrom(...STEPS), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.oneof(likely, fc.string()), programs, (text, steps) => {
        const r = new TextReader(text)
        decoded(() => steps.map((step) => step(r)))
        expect(r.offset).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 2000 },
    )
  })

  it("checks the range of numbers, however long they are written", () => {
    const parse = (text: string) => parseWhole(text, (r) => r.int64("f"))
    expect(parse("-9223372036854775808")).toBe(-(2n ** 63n))
    expect(parse("0000000000000000000000000000009223372036854775807")).toBe(2n ** 63n - 1n)
    for (const text of ["9223372036854775808", "-9223372036854775809", "9".repeat(100_000), "+", "-", "--1", "1.5"]) {
      expect(() => parse(text)).toThrow(DecodeError)
    }
    expect(() => parseWhole("65536", (r) => r.u16("f"))).toThrow(DecodeError)
    expect(() => parseWhole("4294967296", (r) => r.u32("f"))).toThrow(DecodeError)
    expect(() => parseWhole("9007199254740992", (r) => r.seconds("f"))).toThrow(DecodeError)
  })

  it("ends texts at spaces and newlines, items also at commas", () => {
    const r = new TextReader("a,b c\nd")
    expect(r.item()).toBe("a")
    r.literal(",", "f")
    expect(r.text()).toBe("b")
    r.space("f")
    expect(r.text()).toBe("c")
    expect(r.peek()).toBe("\n")
  })

  it("refuses a list with an empty item, an item that goes on, and an empty non-empty list", () => {
    for (const text of [",", "1,", ",1", "1,,2", "1a,2"]) {
      expect(() => parseWhole(text, (r) => r.list((x) => x.u16("f")))).toThrow(DecodeError)
    }
    expect(parseWhole("", (r) => r.list((x) => x.u16("f")))).toEqual([])
    expect(() => parseWhole("", (r) => r.nonEmpty((x) => x.u16("f")))).toThrow(DecodeError)
  })
})
