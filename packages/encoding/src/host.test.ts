import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoded, decodedInside } from "../test/hostile.ts"
import { DecodeError, EncodeError } from "./errors.ts"
import { parseHost, readHost, tokenHost, writeHost } from "./host.ts"
import { decodeWhole } from "./reader.ts"
import { encodeWith } from "./writer.ts"

const piece = fc.constantFrom(
  "1",
  "255",
  "256",
  ".",
  ":",
  "::",
  "[",
  "]",
  "a",
  "F",
  "x",
  ".onion",
  "é",
  "日",
  " ",
  ",",
  "0",
)
const likely = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(""))

describe("host", () => {
  it("answers any text with a host or DecodeError, and is stable when read again", () => {
    fc.assert(
      fc.property(fc.oneof(likely, fc.string()), (text) => {
        const host = decoded(() => parseHost(text))
        if (host === undefined) return
        // Dotted forms of IPv6 are readable in brackets only.
        const again = host.kind === "ipv6" ? `[${host.text}]` : host.text
        expect(parseHost(again)).toEqual(host)
      }),
      { numRuns: 3000 },
    )
  })

  it("reads the longest token inside a text exactly when it reads that token alone", () => {
    fc.assert(
      fc.property(likely, likely, (text, after) => {
        const found = decoded(() => tokenHost(`,${text},${after}`, 1))
        if (found === undefined) return
        expect(found.end).toBeLessThanOrEqual(2 + text.length + after.length)
        if (found.end === 1 + text.length) expect(parseHost(text)).toEqual(found.host)
      }),
      { numRuns: 2000 },
    )
  })

  it("round-trips in binary", () => {
    fc.assert(
      fc.property(likely, (text) => {
        const host = decoded(() => parseHost(text))
        if (host === undefined || (host.kind === "ipv6" && host.text.includes("."))) return
        expect(
          decodeWhole(
            encodeWith((w) => writeHost(w, host.text)),
            readHost,
          ),
        ).toBe(host.text)
      }),
    )
  })

  it("answers any bytes with a host or DecodeError", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => void decodedInside(bytes, (r) => readHost(r))))
  })

  it.each([
    ["1.2.3.256", "above 255"],
    ["[1.2.3.4]", "not a host"],
    ["[localhost]", "not a host"],
    ["[::1", "not a host"],
    ["::1]", "unexpected"],
    ["a[b", "unexpected"],
    ["日本.example", "not a host"],
    ["a日", "unexpected"],
  ])("refuses %j", (text, message) => {
    expect(() => parseHost(text)).toThrow(DecodeError)
    expect(() => parseHost(text)).toThrow(message)
  })

  it("is quick on long hostile text", () => {
    for (const text of [
      "1".repeat(1e5),
      "a".repeat(1e5),
      ":".repeat(1e5),
      "1.".repeat(5e4),
      "[".repeat(1e5),
      ".onion".repeat(2e4),
    ]) {
      decoded(() => parseHost(text))
    }
  })

  it("refuses to write nothing", () => {
    expect(() => encodeWith((w) => writeHost(w, ""))).toThrow(EncodeError)
  })
})
