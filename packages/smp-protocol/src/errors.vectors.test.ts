import { fromHex, fromUtf8, latin1, toHex, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { describe, expect, it } from "vitest"
import { smpArrays } from "../test/vector-files.ts"
import {
  networkErrorFromJson,
  networkErrorToJson,
  smpErrorFromJson,
  smpErrorToJson,
  transportErrorFromJson,
  transportErrorToJson,
} from "./error-json.ts"
import { formatNetworkError, formatSmpError, parseNetworkError, parseSmpError } from "./error-string.ts"
import {
  decodeNetworkError,
  decodeSmpError,
  decodeTransportError,
  encodeNetworkError,
  encodeSmpError,
  encodeTransportError,
} from "./error-wire.ts"

interface ReadBack {
  readonly same?: boolean
  readonly error?: string
}

interface ErrorVector {
  readonly name: string
  readonly smp: string
  /** Latin-1 view of the UTF-8 bytes of the string form. */
  readonly string: string
  readonly json: string
  readonly smpParsed: ReadBack
  readonly stringParsed: ReadBack
}

/** Cases of the stable release that the later one answers otherwise: it knows `NAME` errors. */
const KNOWN_LATER = new Set(["NAME NOT_FOUND"])

describe("errors of vector files", () => {
  describe.each(smpArrays<ErrorVector>("errors"))("$name", ({ cases }) => {
    it.each(cases)("$name", ({ name, smp, string, json, smpParsed, stringParsed }) => {
      // JSON is the one form that loses nothing, so it makes the value that the other forms are checked with.
      const error = smpErrorFromJson(JSON.parse(json))
      expect(JSON.stringify(smpErrorToJson(error))).toBe(json)
      expect(toHex(encodeSmpError(error))).toBe(smp)
      expect(formatSmpError(error)).toBe(fromUtf8(latin1(string)))

      const fromWire = decodeSmpError(fromHex(smp))
      const fromString = parseSmpError(fromUtf8(latin1(string)))
      expect(toHex(encodeSmpError(fromWire))).toBe(smp)
      if (smpParsed.same === true) expect(fromWire).toEqual(error)
      else expect(fromWire).toEqual(networkFailed)
      if (stringParsed.same === true) expect(fromString).toEqual(error)
      else if (name.includes("BLOCKED"))
        expect(fromString).toEqual(error) // the reference cannot read its own text
      else expect(fromString).toEqual(networkFailed)
    })
  })

  describe.each(smpArrays<{ name: string; input: string; json?: string }>("errorParse"))(
    "$name",
    ({ cases, latest }) => {
      it.each(cases)("$name", ({ name, input, json }) => {
        const parse = (): unknown => decodeSmpError(fromHex(input))
        if (json !== undefined) expect(parse()).toEqual(smpErrorFromJson(JSON.parse(json)))
        else if (latest === 18 && KNOWN_LATER.has(name)) expect(parse()).toMatchObject({ type: "NAME" })
        else expect(parse).toThrow(DecodeError)
      })
    },
  )

  describe.each(smpArrays<{ name: string; smpText: string; json: string }>("transportErrors"))("$name", ({ cases }) => {
    it.each(cases)("$name", ({ smpText, json }) => {
      const error = decodeTransportError(utf8(smpText))
      expect(fromUtf8(encodeTransportError(error))).toBe(smpText)
      expect(JSON.stringify(transportErrorToJson(error))).toBe(json)
      expect(transportErrorFromJson(JSON.parse(json))).toBe(error)
    })
  })

  describe.each(smpArrays<{ name: string; smp: string; string: string; json: string }>("networkErrors"))(
    "$name",
    ({ cases }) => {
      it.each(cases)("$name", ({ smp, string, json }) => {
        const error = decodeNetworkError(fromHex(smp))
        expect(toHex(encodeNetworkError(error))).toBe(smp)
        expect(formatNetworkError(error)).toBe(fromUtf8(latin1(string)))
        expect(parseNetworkError(fromUtf8(latin1(string)))).toEqual(error)
        expect(JSON.stringify(networkErrorToJson(error))).toBe(json)
        expect(networkErrorFromJson(JSON.parse(json))).toEqual(error)
      })
    },
  )
})

/** What is read where the details of a network error were not written. */
const networkFailed = {
  type: "PROXY",
  error: { type: "BROKER", error: { type: "NETWORK", error: { type: "FAILED" } } },
}
