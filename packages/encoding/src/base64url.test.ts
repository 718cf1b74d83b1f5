import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoded } from "../test/hostile.ts"
import { decodeBase64Url, encodeBase64Url, encodeBase64UrlUnpadded, tokenBase64Url } from "./base64url.ts"
import { DecodeError } from "./errors.ts"

const bytes = fc.uint8Array({ maxLength: 200 })
const likely = fc.string({ unit: fc.constantFrom(..."AQEgwz09-_=+/ \n@é\u0141"), maxLength: 12 })

describe("base64url", () => {
  it("round-trips with and without padding, and agrees with Node", () => {
    fc.assert(
      fc.property(bytes, (input) => {
        const unpadded = encodeBase64UrlUnpadded(input)
        const padded = encodeBase64Url(input)
        expect(unpadded).toBe(Buffer.from(input).toString("base64url"))
        expect(padded.length % 4).toBe(0)
        expect(padded.replace(/=+$/, "")).toBe(unpadded)
        expect(decodeBase64Url(padded)).toEqual(input)
        expect(decodeBase64Url(unpadded)).toEqual(input)
      }),
    )
  })

  it("is canonical: whatever decodes is one of the two encodings of its bytes", () => {
    fc.assert(
      fc.property(fc.oneof(likely, fc.string()), (text) => {
        const value = decoded(() => decodeBase64Url(text))
        if (value !== undefined) expect([encodeBase64Url(value), encodeBase64UrlUnpadded(value)]).toContain(text)
      }),
      { numRuns: 2000 },
    )
  })

  it("reads a token inside a longer text up to where it ends", () => {
    fc.assert(
      fc.property(bytes, fc.boolean(), (input, pads) => {
        fc.pre(input.length > 0)
        const token = pads ? encodeBase64Url(input) : encodeBase64UrlUnpadded(input)
        expect(tokenBase64Url(`,${token}@rest`, 1)).toEqual({ bytes: input, end: 1 + token.length })
      }),
    )
    expect(() => tokenBase64Url("@", 0)).toThrow(DecodeError)
    expect(() => tokenBase64Url("", 0)).toThrow(DecodeError)
  })
})
