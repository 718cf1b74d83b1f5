import { describe, expect, it } from "vitest"
import { decodeBase64Url, encodeBase64Url, tokenBase64Url } from "../src/base64url.ts"
import { fromHex, fromLatin1, latin1, toHex } from "../src/bytes.ts"
import { DecodeError, EncodeError } from "../src/errors.ts"
import { parseHost, readHost, writeHost } from "../src/host.ts"
import { pad, unpad } from "../src/padding.ts"
import { decodeWhole } from "../src/reader.ts"
import { parseWhole } from "../src/strings.ts"
import {
  capRange,
  compatibleVersion,
  formatVersionRange,
  intersect,
  parseVersionRange,
  readVersionRange,
  versionRange,
  versionRangeFromJson,
  versionRangeToJson,
  writeVersionRange,
} from "../src/version.ts"
import { encodeWith } from "../src/writer.ts"
import { serverSuite } from "./server-suite.ts"
import { bytesOf, type EncodingVectors, shownLike } from "./vector-format.ts"
import { binaryType, listOf, stringType } from "./vector-types.ts"

/**
 * Inputs which the reference accepts and we refuse, by array and name, with the reason. Numbers that wrap around would
 * make two different texts mean the same; nothing writes such texts.
 */
export const STRICTER: Readonly<Record<string, string>> = {
  "stringDecode/word16 overflow (wraps)": "a number out of range is no number",
  "versionRangeStringDecode/overflow wraps": "a number out of range is no version",
  "hosts/255.255.255.256": "refused by the specification (encoding.md §2.3)",
  "hosts/[localhost]": "refused by the specification: brackets are for IPv6 only since 7.0",
  "serverParse/case 31": "fourth number of an IPv4 address above 255 (encoding.md §2.3)",
}

/** Runs every case of one vector file. */
export function encodingSuite(vectors: EncodingVectors): void {
  each(vectors, "primitives", ({ type, value, hex }) => {
    const codec = binaryType(type)
    expect(toHex(encodeWith((w) => codec.write(w, value)))).toBe(hex)
    const decoded = decodeWhole(fromHex(hex), (r) => codec.read(r))
    expect(decoded).toEqual(plain(value))
  })

  each(vectors, "decode", ({ type, hex, value, error }) => {
    const decode = () => decodeWhole(fromHex(hex), (r) => binaryType(type).read(r))
    if (error !== undefined) return expect(decode).toThrow(DecodeError)
    expect(decode()).toEqual(plain(value))
  })

  each(vectors, "pad", ({ message, paddedLength, padded, error }) => {
    if (error !== undefined) return expect(() => pad(bytesOf(message), paddedLength)).toThrow(EncodeError)
    const block = pad(bytesOf(message), paddedLength)
    expect(shownLike(padded, block)).toEqual(padded)
    expect(toHex(unpad(block))).toBe(toHex(bytesOf(message)))
  })

  each(vectors, "unpad", ({ padded, message, error }) => {
    if (error !== undefined) return expect(() => unpad(bytesOf(padded))).toThrow(DecodeError)
    expect(shownLike(message, unpad(bytesOf(padded)))).toEqual(message)
  })

  each(vectors, "base64Encode", ({ hex, string }) => {
    expect(encodeBase64Url(fromHex(hex))).toBe(string)
    expect(toHex(decodeBase64Url(string))).toBe(hex)
  })

  each(vectors, "base64Decode", ({ input, token, strDecode }) => {
    if (strDecode.error !== undefined) expect(() => decodeBase64Url(input)).toThrow(DecodeError)
    else expect(toHex(decodeBase64Url(input))).toBe(strDecode.hex)
    const wholeToken = () => parseWhole(input, (r) => r.bytes())
    if (token.error !== undefined) return expect(wholeToken).toThrow(DecodeError)
    expect(toHex(wholeToken())).toBe(token.hex)
    expect(tokenBase64Url(`@${input}@`, 1).end).toBe(1 + input.length)
  })

  each(vectors, "strings", ({ type, value, string }) => {
    expect(stringType(type).format(value)).toBe(string)
  })

  each(vectors, "stringDecode", ({ name, type, input, value, error }) => {
    const parse = () => parseWhole(input, (r) => stringType(type).parse(r))
    if (refused("stringDecode", name, error)) return expect(parse).toThrow(DecodeError)
    expect(parse()).toEqual(value)
  })

  each(vectors, "versionRanges", ({ min, max, hex, string, json }) => {
    const range = versionRange(min, max)
    expect(toHex(encodeWith((w) => writeVersionRange(w, range)))).toBe(hex)
    expect(decodeWhole(fromHex(hex), readVersionRange)).toEqual(range)
    expect(formatVersionRange(range)).toBe(string)
    expect(parseVersionRange(string)).toEqual(range)
    expect(JSON.stringify(versionRangeToJson(range))).toBe(json)
    expect(versionRangeFromJson(JSON.parse(json))).toEqual(range)
  })

  each(vectors, "versionRangeDecode", ({ hex, value, error }) => {
    const decode = () => decodeWhole(fromHex(hex), readVersionRange)
    if (error !== undefined) return expect(decode).toThrow(DecodeError)
    expect(decode()).toEqual(value)
  })

  each(vectors, "versionRangeStringDecode", ({ name, input, value, error }) => {
    const parse = () => parseVersionRange(input)
    if (refused("versionRangeStringDecode", name, error)) return expect(parse).toThrow(DecodeError)
    expect(parse()).toEqual(value)
  })

  each(vectors, "versionCompatible", ({ a, b, version, range, isCompatible }) => {
    const [first, second] = [versionRange(...a), versionRange(...b)]
    expect(compatibleVersion(first, second) ?? null).toBe(version)
    expect(intersect(first, second) ?? null).toEqual(range)
    expect(intersect(first, second) !== undefined).toBe(isCompatible)
  })

  each(vectors, "versionCapped", ({ range, version, result }) => {
    expect(capRange(versionRange(...range), version) ?? null).toEqual(result)
  })

  each(vectors, "hosts", ({ name, input, value, smp, error }) => {
    if (refused("hosts", name, error)) return expect(() => parseHost(input)).toThrow(DecodeError)
    const host = parseHost(input)
    expect(host).toEqual(value)
    expect(toHex(encodeWith((w) => writeHost(w, host.text)))).toBe(smp)
  })

  each(vectors, "hostDecode", ({ hex, value, error }) => {
    const decode = () => decodeWhole(fromHex(hex), readHost)
    if (error !== undefined) return expect(decode).toThrow(DecodeError)
    expect(decode()).toBe(value?.text)
    expect(parseHost(fromLatin1(latin1(decode())))).toEqual(value)
  })

  serverSuite(vectors)
}

/** One test per case of an array, which must not be empty. */
export function each<K extends keyof EncodingVectors>(
  vectors: EncodingVectors,
  array: K,
  check: (item: EncodingVectors[K][number]) => unknown,
): void {
  const cases = vectors[array]
  describe(array, () => {
    it("has cases", () => expect(cases.length).toBeGreaterThan(0))
    for (const [i, item] of cases.entries()) it(`${i + 1} ${item.name}`, () => void check(item))
  })
}

/** Whether an input is to be refused: by the file, or because we are stricter on purpose. */
export function refused(array: string, name: string, error: unknown): boolean {
  return error !== undefined || `${array}/${name}` in STRICTER
}

/** A value with repetitions written out, as decoding gives it. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !("repeat" in value)) return value
  return typeof value.repeat === "string" ? toHex(bytesOf(value as never)) : listOf(value)
}
