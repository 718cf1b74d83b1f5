import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { LinkError } from "./errors.ts"
import { decodeProfile, encodeProfile, MAX_PROFILE_SIZE, pictureOf } from "./profile.ts"
import { visibleLine, visibleText } from "./visible-text.ts"

const PICTURE = "data:image/jpg;base64,/9j/4AAQ"

describe("profiles", () => {
  it("read back what was written, in the form of the apps", () => {
    const profile = { displayName: "ann", description: "writes", image: PICTURE, message: "Hello!" }
    const bytes = encodeProfile(profile)
    expect(JSON.parse(fromUtf8(bytes))).toEqual({
      profile: { displayName: "ann", fullName: "", shortDescr: "writes", image: PICTURE },
      business: false,
      message: { type: "text", text: "Hello!" },
    })
    expect(decodeProfile(bytes)).toMatchObject(profile)
    const group = { displayName: "friends", group: true, message: "Rules" }
    expect(decodeProfile(encodeProfile(group))).toMatchObject(group)
  })

  it("are read in the forms that there are", () => {
    expect(decodeProfile(utf8('{"displayName":"alice"}')).displayName).toBe("alice")
    const group = decodeProfile(utf8('{"groupProfile":{"displayName":"g","fullName":"G","description":"welcome"}}'))
    expect(group).toMatchObject({ displayName: "g", fullName: "G", group: true, message: "welcome" })
    const odd = decodeProfile(
      utf8('{"profile":{"displayName":"b","image":null,"new":1},"message":null,"business":true}'),
    )
    expect(odd).toMatchObject({ displayName: "b", business: true })
    expect(odd.message).toBeUndefined()
  })

  it.each([
    "",
    "{}",
    "[]",
    "null",
    "1",
    '"x"',
    "{",
    '{"displayName":1}',
    '{"profile":[]}',
    '{"profile":{"displayName":"a"},"message":"x"}',
  ])("are nothing else: %s", (text) => {
    expect(() => decodeProfile(utf8(text))).toThrow(LinkError)
  })

  it("are decompressed by whoever can, within a limit", () => {
    const compressed = Uint8Array.of(0x58, 1, 2, 3)
    const inner = encodeProfile({ displayName: "zed" })
    expect(() => decodeProfile(compressed)).toThrow(LinkError)
    expect(() => decodeProfile(compressed, () => undefined)).toThrow(LinkError)
    expect(() => decodeProfile(compressed, (_, max) => new Uint8Array(max + 1))).toThrow(LinkError)
    const seen: unknown[] = []
    const decompress = (bytes: Uint8Array, max: number): Uint8Array => {
      seen.push([...bytes], max)
      return inner
    }
    expect(decodeProfile(compressed, decompress).displayName).toBe("zed")
    expect(seen).toEqual([[1, 2, 3], MAX_PROFILE_SIZE])
  })

  it("are compressed when they are large", () => {
    const compress = (bytes: Uint8Array): Uint8Array => bytes.slice(0, 2)
    const large = { displayName: "x".repeat(10_240) }
    expect([...encodeProfile(large, compress)]).toEqual([0x58, 0x7b, 0x22])
    expect(encodeProfile(large)[0]).toBe(0x7b)
    expect(encodeProfile({ displayName: "x" }, compress)[0]).toBe(0x7b)
  })

  it("of hostile bytes are a profile or a LinkError", () => {
    const json = fc.json().map((text) => utf8(text.toWellFormed()))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), json), (bytes) => {
        try {
          expect(typeof decodeProfile(bytes).displayName).toBe("string")
        } catch (error) {
          expect(error).toBeInstanceOf(LinkError)
        }
      }),
    )
  })
})

describe("pictures", () => {
  it("are of the forms that can do no harm", () => {
    expect(pictureOf({ displayName: "a", image: PICTURE })).toEqual({ mediaType: "image/jpeg", base64: "/9j/4AAQ" })
    expect(pictureOf({ displayName: "a", image: "data:image/png;base64,iVBORw==" })?.mediaType).toBe("image/png")
    for (const image of [
      "data:image/svg+xml;base64,PHN2Zz4=",
      "https://a.example/x.png",
      'data:image/png;base64,AA" onerror=',
      undefined,
    ]) {
      expect(pictureOf({ displayName: "a", image })).toBeUndefined()
    }
  })
})

describe("text of strangers", () => {
  it("is shown without what could hide or reorder other text", () => {
    expect(visibleText("a\u202eb\u0007c\r\nd\te\u200b", 100)).toBe("abc\nd\te")
    expect(visibleText("a\u061cb\u200ec\u200fd", 100)).toBe("abcd")
    expect(visibleLine("  a\n\n b\u2066 ", 100)).toBe("a b")
    expect(visibleText("abcdef", 3)).toBe("abc\u2026")
  })
})
