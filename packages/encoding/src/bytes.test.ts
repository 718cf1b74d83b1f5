import fc from "fast-check"
import { afterEach, describe, expect, it, vi } from "vitest"
import { decoded } from "../test/hostile.ts"
import * as native from "./bytes.ts"
import { DecodeError, EncodeError } from "./errors.ts"

const bytes = fc.uint8Array({ maxLength: 300 })

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

/** The module as a browser loads it, without `Buffer`. */
async function portable(): Promise<typeof native> {
  vi.resetModules()
  vi.stubGlobal("Buffer", undefined)
  const module = await import("./bytes.ts")
  vi.unstubAllGlobals()
  return module
}

describe.each([
  ["with Buffer", async () => native],
  ["without Buffer", portable],
] as const)("%s", (_, load) => {
  it("round-trips hex and Latin-1", async () => {
    const { fromHex, fromLatin1, latin1, toHex } = await load()
    fc.assert(
      fc.property(bytes, (input) => {
        expect(fromHex(toHex(input))).toEqual(input)
        expect(fromHex(toHex(input).toUpperCase())).toEqual(input)
        expect(latin1(fromLatin1(input))).toEqual(input)
        expect(fromLatin1(input)).toBe(String.fromCharCode(...input))
      }),
    )
  })

  it("reads views at their own offset", async () => {
    const { fromLatin1, toHex } = await load()
    const view = Uint8Array.of(1, 2, 3, 0xff, 5).subarray(2, 4)
    expect(toHex(view)).toBe("03ff")
    expect(fromLatin1(view)).toBe("\u0003\u00ff")
  })
})

describe("hex", () => {
  it.each(["0", "0g", "g0", " 0", "0x", "é0", "00 0", "@@", "``"])("refuses %j", (text) => {
    expect(() => native.fromHex(text)).toThrow(Error)
    expect(() => native.fromHex(text)).toThrow("hex")
  })

  it("fails with DecodeError only", () => {
    fc.assert(fc.property(fc.string(), (text) => void decoded(() => native.fromHex(text))))
  })
})

describe("UTF-8", () => {
  it("round-trips every text without lone surrogates, byte order marks included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(native.fromUtf8(native.utf8(text))).toBe(text)
      }),
    )
    expect(native.fromUtf8(native.utf8("\ufeffa"))).toBe("\ufeffa")
  })

  it("refuses lone surrogates and invalid bytes", () => {
    expect(() => native.utf8("\ud800")).toThrow(EncodeError)
    expect(() => native.fromUtf8(Uint8Array.of(0xed, 0xa0, 0x80))).toThrow(DecodeError)
    expect(() => native.fromUtf8(Uint8Array.of(0xc0, 0x80))).toThrow(DecodeError)
  })

  it("is canonical: what decodes, encodes to the same bytes", () => {
    fc.assert(
      fc.property(bytes, (input) => {
        const text = decoded(() => native.fromUtf8(input))
        if (text !== undefined) expect(native.utf8(text)).toEqual(input)
      }),
    )
  })
})

describe("Latin-1", () => {
  it("takes the low byte of each character, not of each UTF-16 unit", () => {
    expect(native.latin1("\u0142")).toEqual(Uint8Array.of(0x42))
    expect(native.latin1("a\u{1f642}b")).toEqual(Uint8Array.of(0x61, 0x42, 0x62))
    expect(native.latin1("\ud83d")).toEqual(Uint8Array.of(0x3d))
  })
})

describe("concatBytes and equalBytes", () => {
  it("agree with a list of numbers", () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (parts) => {
        expect([...native.concatBytes(...parts)]).toEqual(parts.flatMap((part) => [...part]))
      }),
    )
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(native.equalBytes(a, a.slice())).toBe(true)
        expect(native.equalBytes(a, b)).toBe(native.toHex(a) === native.toHex(b))
        expect(native.idKey(a) === native.idKey(b)).toBe(native.equalBytes(a, b))
      }),
    )
  })
})
