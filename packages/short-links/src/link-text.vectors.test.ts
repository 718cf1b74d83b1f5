import { fromHex, toHex } from "@sluice/encoding/bytes"
import { decodeWhole } from "@sluice/encoding/reader"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { encodeWith } from "@sluice/encoding/writer"
import { describe, expect, test } from "vitest"
import { type LinkValue, linkValue } from "../test/links.ts"
import { vectorArrays } from "../test/vector-files.ts"
import { parseConnectionLink } from "./connection-link.ts"
import { LinkError } from "./errors.ts"
import { restoreLink, shortenLink } from "./presets.ts"
import { formatShortLink, parseShortLink } from "./short-link.ts"
import { readShortLink, writeShortLink } from "./short-link-binary.ts"

interface LinkCase {
  readonly name: string
  readonly value: LinkValue
  readonly string: string
  readonly parsed: { readonly value: LinkValue }
  readonly binary: string
  readonly parsedBinary: { readonly value: LinkValue }
}

describe.each(vectorArrays<LinkCase>("short-links.json", "links"))("$name", ({ cases }) => {
  test.each(cases)("$name", (vector) => {
    const link = parseShortLink(vector.string)
    expect(linkValue(link)).toEqual(vector.value)
    expect(vector.value).toEqual(vector.parsed.value)
    expect(formatShortLink(link)).toBe(vector.string)
    expect(toHex(encodeWith((w) => writeShortLink(w, link)))).toBe(vector.binary)
    expect(linkValue(decodeWhole(fromHex(vector.binary), readShortLink))).toEqual(vector.parsedBinary.value)
    expect(parseConnectionLink(vector.string)).toEqual({ form: "short", link })
  })
})

interface ParseCase {
  readonly name: string
  readonly input: string
  readonly value?: LinkValue
  readonly string?: string
  readonly error?: string
}

/** The reference reduces such a port modulo 65536; it is refused here. */
const REFUSED = ["port too big"]

describe.each(vectorArrays<ParseCase>("short-links.json", "linkParse"))("$name", ({ cases }) => {
  test.each(cases)("$name", (vector) => {
    if (vector.value === undefined || REFUSED.includes(vector.name)) {
      expect(() => parseShortLink(vector.input)).toThrow(LinkError)
      expect(() => parseConnectionLink(vector.input)).toThrow(LinkError)
    } else {
      expect(linkValue(parseShortLink(vector.input))).toEqual(vector.value)
      expect(formatShortLink(parseShortLink(vector.input))).toBe(vector.string)
    }
  })
})

interface ShortenCase {
  readonly name: string
  readonly link: string
  readonly shortened: string
  readonly restored: string
  readonly restoredShortened: string
}

describe.each(vectorArrays<ShortenCase>("short-links.json", "shorten"))("$name", ({ cases, file }) => {
  const presets = (file["presets"] as string[]).map((text) => parseServerAddress(text))

  test.each(cases)("$name", (vector) => {
    const link = parseShortLink(vector.link)
    const shortened = shortenLink(link, presets)
    expect(formatShortLink(shortened)).toBe(vector.shortened)
    expect(formatShortLink(restoreLink(link, presets))).toBe(vector.restored)
    expect(formatShortLink(restoreLink(shortened, presets))).toBe(vector.restoredShortened)
  })
})
