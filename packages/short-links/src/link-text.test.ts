import { portableCrypto } from "@sluice/crypto/portable"
import { DecodeError } from "@sluice/encoding/errors"
import { decodeWhole } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { sampleRequest } from "../test/samples.ts"
import { parseConnectionLink, parseShortLinkOf } from "./connection-link.ts"
import { readConnectionRequest, writeConnectionRequest } from "./connection-request.ts"
import { LinkError } from "./errors.ts"
import { formatFullLink, parseFullLink } from "./full-link.ts"
import { lenientUtf8 } from "./lenient-utf8.ts"
import { sameConnectionRequest, sameShortLink } from "./same-link.ts"
import { contactTypeOf, formatShortLink, parseShortLink, type ShortLink, withScheme } from "./short-link.ts"
import { readShortLink, writeShortLink } from "./short-link-binary.ts"

const bytes = (min: number, max: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: min, maxLength: max })

const servers = fc.record({
  hosts: fc.array(fc.constantFrom("smp.example.org", "a.example", "10.0.0.1", "2001:db8::1", "abc.onion"), {
    minLength: 1,
    maxLength: 3,
  }),
  port: fc.oneof(fc.constant(""), fc.integer({ min: 0, max: 65_535 }).map(String)),
  keyHash: bytes(0, 33),
})

const links: fc.Arbitrary<ShortLink> = fc.oneof(
  fc.record({
    kind: fc.constant("contact" as const),
    contactType: fc.constantFrom("contact" as const, "channel" as const, "group" as const, "relay" as const),
    scheme: fc.constantFrom("https" as const, "simplex" as const),
    server: servers,
    linkKey: bytes(1, 40),
  }),
  fc.record({
    kind: fc.constant("invitation" as const),
    scheme: fc.constantFrom("https" as const, "simplex" as const),
    server: servers,
    linkId: bytes(1, 40),
    linkKey: bytes(1, 40),
  }),
)

/** A text made by cutting, joining and changing a good one. */
function spoiled(good: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(good, fc.nat(), fc.nat(3), fc.string({ maxLength: 5, unit: "binary" }))
    .map(
      ([text, at, cut, insert]) => `${text.slice(0, at % text.length)}${insert}${text.slice((at % text.length) + cut)}`,
    )
}

function refusedOr<T>(read: () => T, kind: typeof LinkError | typeof DecodeError): T | undefined {
  try {
    return read()
  } catch (error) {
    expect(error).toBeInstanceOf(kind)
    return undefined
  }
}

describe("short links", () => {
  it("read back what was written, as text and as bytes", () => {
    fc.assert(
      fc.property(links, (link) => {
        expect(parseShortLink(formatShortLink(link))).toEqual(link)
        expect(parseConnectionLink(formatShortLink(link))).toEqual({ form: "short", link })
        const read = decodeWhole(
          encodeWith((w) => writeShortLink(w, link)),
          readShortLink,
        )
        expect(read).toEqual(withScheme(link, "https"))
        expect(sameShortLink(read, link)).toBe(true)
      }),
    )
  })

  it("of hostile text are a link that can be written, or a LinkError", () => {
    const texts = fc.oneof(fc.string(), spoiled(links.map(formatShortLink)), fc.webUrl({ withFragments: true }))
    fc.assert(
      fc.property(texts, (text) => {
        const link = refusedOr(() => parseShortLink(text), LinkError)
        if (link !== undefined) expect(parseShortLink(formatShortLink(link))).toEqual(link)
        refusedOr(() => parseConnectionLink(text), LinkError)
      }),
      { numRuns: 500 },
    )
  })

  it("of hostile bytes are a link or a DecodeError", () => {
    fc.assert(
      fc.property(bytes(0, 80), (input) => void refusedOr(() => decodeWhole(input, readShortLink), DecodeError)),
    )
  })

  it("are told apart by kind and by everything that matters", () => {
    const contact = parseShortLink("https://smp.example.org/a#AAAA?c=1234-w")
    const invitation = parseShortLink("https://smp.example.org/i#AAAA/AAAA")
    expect(() => parseShortLinkOf("invitation", formatShortLink(contact))).toThrow("other kind")
    expect(parseShortLinkOf("contact", formatShortLink(contact))).toEqual(contact)
    expect(sameShortLink(contact, parseShortLink("simplex:/a#AAAA?h=smp.example.org"))).toBe(true)
    for (const other of ["/g#AAAA", "/a#AAAB", "/a#AAAA?p=443", "/a#AAAA?h=a.example", "/i#AAAA/AAAA"]) {
      expect(sameShortLink(contact, parseShortLink(`https://smp.example.org${other}`))).toBe(false)
    }
    expect(sameShortLink(invitation, parseShortLink("https://smp.example.org/i#AAAB/AAAA"))).toBe(false)
    expect([contactTypeOf("G"), contactTypeOf("i"), contactTypeOf("ab")]).toEqual(["group", undefined, undefined])
  })
})

describe("full links", () => {
  const invitation = sampleRequest(portableCrypto, "invitation", true)
  const contact = sampleRequest(portableCrypto, "contact")

  it("read back what was written, on any site", () => {
    for (const request of [invitation, { ...contact, clientData: '{"a":"\u00e9 +;&"}' }]) {
      for (const origin of ["simplex:", "https://simplex.chat", "https://links.example.org:8443"]) {
        const read = parseFullLink(formatFullLink(request, origin))
        expect(read).toEqual({ ...request, clientData: request.clientData })
        expect(sameConnectionRequest(read, request)).toBe(true)
      }
    }
    expect(sameConnectionRequest(invitation, contact)).toBe(false)
    expect(sameConnectionRequest(contact, sampleRequest(portableCrypto, "contact"))).toBe(false)
  })

  it("of hostile text are a request that can be written, or a LinkError", () => {
    const texts = spoiled(fc.constantFrom(formatFullLink(invitation), formatFullLink(contact)))
    fc.assert(
      fc.property(texts, (text) => {
        const request = refusedOr(() => parseConnectionLink(text), LinkError)
        if (request?.form === "full") parseFullLink(formatFullLink(request.request))
      }),
      { numRuns: 300 },
    )
  })

  it("of hostile bytes are a request or a DecodeError", () => {
    const good = encodeWith((w) => writeConnectionRequest(w, contact))
    fc.assert(
      fc.property(fc.nat(good.length - 1), bytes(1, 20), fc.boolean(), (at, put, cut) => {
        const input = good.slice(0, cut ? at : good.length)
        input.set(put.subarray(0, Math.max(0, input.length - at)), Math.min(at, input.length))
        refusedOr(() => decodeWhole(input, readConnectionRequest), DecodeError)
      }),
    )
  })
})

describe("text that should be UTF-8", () => {
  it("keeps what is, and shows every other byte as a question mark", () => {
    expect(lenientUtf8(Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xe2, 0x82, 0x62))).toBe("a?\u00e9??b")
    const texts = fc.string({ unit: "grapheme" })
    fc.assert(
      fc.property(texts, fc.boolean(), (text, spoil) => {
        const bytes = new TextEncoder().encode(text)
        expect(lenientUtf8(spoil ? Uint8Array.of(...bytes, 0xff) : bytes)).toBe(spoil ? `${text}?` : text)
      }),
    )
  })
})
