import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64Url, encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { parseQueueReference, type QueueReference } from "./queue-reference.ts"

const FINGERPRINT: Uint8Array = new Uint8Array(32).fill(0x11)
const SENDER_ID = new Uint8Array(24).map((_, i) => 0xf0 + i)
const LINK_ID = utf8("0123456789abcdef01234567")
const LINK_KEY = utf8("0123456789abcdef0123456789abcdef")

const padded = encodeBase64Url
const unpadded = encodeBase64UrlUnpadded
const parse = (text: string, fingerprint = FINGERPRINT): QueueReference =>
  parseQueueReference(text, { crypto: nativeCrypto, fingerprint })

const address = (keyHash = FINGERPRINT): string =>
  `smp://${padded(keyHash)}@smp.example.com,a.onion:5223/${padded(SENDER_ID)}#/?v=1-4&dh=MCowBQ%3D&q=m`
const ofSender = { id: SENDER_ID, of: "sender" }

describe("parseQueueReference", () => {
  it.each([24, 23, 25, 1, 255])("reads an ID of %i bytes, padded or not", (length) => {
    const id = new Uint8Array(length).fill(0xfb)
    for (const text of [padded(id), unpadded(id), ` ${padded(id)}\n`]) expect(parse(text)).toEqual({ id, of: "either" })
  })

  it("reads the address of a queue", () => {
    expect(parse(address())).toEqual(ofSender)
    expect(parse(`smp://${unpadded(FINGERPRINT)}@smp.example.com/${unpadded(SENDER_ID)}`)).toEqual(ofSender)
  })

  it.each(["simplex:/invitation#/?", "simplex:/contact/#/?", "https://simplex.chat/contact#/?"])(
    "reads a connection link: %s…",
    (start) => {
      const smp = encodeURIComponent(address())
      expect(parse(`${start}v=2-7&smp=${smp}&e2e=v%3D2`)).toEqual(ofSender)
      expect(parse(`${start}v=2-7&smp=${smp}%3B${encodeURIComponent(address(LINK_KEY))}`)).toEqual(ofSender)
    },
  )

  it("reads a short link of an invitation", () => {
    const body = `${unpadded(LINK_ID)}/${unpadded(LINK_KEY)}`
    for (const text of [
      `https://smp.example.com/i#${body}`,
      `https://smp.example.com/i/#${body}?p=5223&c=${unpadded(FINGERPRINT)}`,
      `simplex:/i#${body}?h=smp.example.com`,
    ]) {
      expect(parse(text)).toEqual({ id: LINK_ID, of: "link" })
    }
  })

  it("finds the link ID of a contact address", () => {
    const id = nativeCrypto.hkdf(new Uint8Array(0), LINK_KEY, "SimpleXContactLink", 56).slice(0, 24)
    for (const kind of ["a", "c", "g", "r", "A"]) {
      expect(parse(`https://smp.example.com/${kind}#${unpadded(LINK_KEY)}`)).toEqual({ id, of: "link" })
    }
  })

  it("refuses what is on another server", () => {
    const other = padded(new Uint8Array(32).fill(0x22))
    for (const text of [
      address(new Uint8Array(32).fill(0x22)),
      `https://smp.example.com/a#${unpadded(LINK_KEY)}?c=${other}`,
      `https://smp.example.com/i#${unpadded(LINK_ID)}/${unpadded(LINK_KEY)}?c=${other}`,
    ]) {
      expect(() => parse(text)).toThrow(/another server/)
    }
  })

  it.each([
    "",
    " ",
    "A",
    "AAA!",
    "smp://",
    `smp://${padded(FINGERPRINT)}@smp.example.com`,
    `smp://${padded(FINGERPRINT)}@smp.example.com/#/?v=1`,
    "simplex:/contact#/?v=2-7",
    "simplex:/contact#/?smp=",
    "https://smp.example.com/",
    "https://smp.example.com/x#AAAA",
    "https://smp.example.com/i#/AAAA",
    "https://smp.example.com/a#",
    padded(new Uint8Array(256)),
  ])("refuses %j", (text) => {
    expect(() => parse(text)).toThrow(DecodeError)
  })

  it("answers any text with a reference or its own error", () => {
    const part = fc.constantFrom("smp://", "https://", "simplex:", "/i#", "/a#", "#", "?smp=", "/", "AAAA", "%", "%3B")
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ maxLength: 8 })), { maxLength: 8 }), (parts) => {
        try {
          expect(parse(parts.join("")).id.length).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

interface LinkVectors {
  readonly kdf: readonly { readonly linkKey: string; readonly contactLinkId: string }[]
  readonly links: readonly { readonly value: LinkValue; readonly string: string }[]
}

interface LinkValue {
  readonly mode: string
  readonly keyHash: string
  readonly linkId?: string
  readonly linkKey: string
}

const reference = vectors<LinkVectors>("short-links.json")

describe.skipIf(reference === undefined)("links of the reference", () => {
  const { kdf = [], links = [] } = reference ?? {}

  it("have the same link IDs", () => {
    expect(kdf.length).toBeGreaterThan(0)
    for (const { linkKey, contactLinkId } of kdf) {
      const { id } = parse(`https://smp.example.com/a#${unpadded(fromHex(linkKey))}`)
      expect(toHex(id)).toBe(contactLinkId)
    }
  })

  it("are read", () => {
    expect(links.length).toBeGreaterThan(0)
    for (const { value, string } of links) {
      const { id, of } = parse(string, fromHex(value.keyHash))
      const contactId = nativeCrypto.hkdf(new Uint8Array(0), fromHex(value.linkKey), "SimpleXContactLink", 56)
      expect([of, toHex(id)]).toEqual(["link", value.linkId ?? toHex(contactId.slice(0, 24))])
    }
  })
})
