import { utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { damage } from "../test/arbitraries.ts"
import { networkError, smpError } from "../test/message-arbitraries.ts"
import { smpErrorFromJson, smpErrorToJson } from "./error-json.ts"
import { formatNetworkError, formatSmpError, parseNetworkError, parseSmpError } from "./error-string.ts"
import { decodeNetworkError, decodeSmpError, encodeNetworkError, encodeSmpError } from "./error-wire.ts"
import { type SmpError, versioned } from "./errors.ts"

describe("errors", () => {
  it("read back from all three forms", () => {
    fc.assert(
      fc.property(smpError, (error) => {
        expect(decodeSmpError(encodeSmpError(error))).toEqual(error)
        expect(parseSmpError(formatSmpError(error))).toEqual(error)
        expect(smpErrorFromJson(JSON.parse(JSON.stringify(smpErrorToJson(error))))).toEqual(error)
      }),
    )
  })

  it("keep network details where nothing drops them", () => {
    fc.assert(
      fc.property(networkError, (error) => {
        expect(decodeNetworkError(encodeNetworkError(error))).toEqual(error)
        expect(parseNetworkError(formatNetworkError(error))).toEqual(error)
        const outer: SmpError = { type: "PROXY", error: { type: "BROKER", error: { type: "NETWORK", error } } }
        expect(smpErrorFromJson(smpErrorToJson(outer))).toEqual(outer)
        expect(formatSmpError(outer)).toBe("PROXY BROKER NETWORK")
      }),
    )
  })

  it("answer damaged input with DecodeError only", () => {
    fc.assert(
      fc.property(smpError, damage, (error, change) => {
        try {
          decodeSmpError(change(encodeSmpError(error)))
        } catch (problem) {
          expect(problem).toBeInstanceOf(DecodeError)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it("answer any JSON with DecodeError only", () => {
    const types = fc.constantFrom("CMD", "PROXY", "BLOCKED", "STORE", "NAME", "AUTH", "BLOCKED reason=spam", "\ud800")
    const fields = fc.dictionary(fc.constantFrom("type", "cmdErr", "proxyErr", "blockInfo", "nameErr"), fc.jsonValue())
    fc.assert(
      fc.property(types, fields, (type, others) => {
        try {
          smpErrorFromJson({ ...others, type })
        } catch (problem) {
          expect(problem).toBeInstanceOf(DecodeError)
        }
      }),
    )
  })

  it("do not nest without end", () => {
    expect(parseSmpError(`${"PROXY PROTOCOL ".repeat(16)}AUTH`).type).toBe("PROXY")
    expect(() => decodeSmpError(utf8("PROXY PROTOCOL ".repeat(1000)))).toThrow(DecodeError)
  })

  it("take the form that an older peer knows", () => {
    const blocked: SmpError = { type: "BLOCKED", reason: "spam", notice: { ttl: 60 } }
    expect(versioned(blocked, 11)).toEqual({ type: "AUTH" })
    expect(versioned(blocked, 12)).toEqual({ type: "BLOCKED", reason: "spam" })
    expect(versioned(blocked, 17)).toEqual({ type: "BLOCKED", reason: "spam" })
    expect(versioned(blocked, 18)).toBe(blocked)
    expect(versioned({ type: "QUOTA" }, 6)).toEqual({ type: "QUOTA" })
  })
})
