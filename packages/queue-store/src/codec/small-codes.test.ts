import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  decodeLinkData,
  decodeNotification,
  decodeService,
  decodeTotals,
  encodeLinkData,
  encodeNotification,
  encodeService,
  encodeTotals,
} from "./small-codes.ts"

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const time = fc.integer({ min: 0, max: 2 ** 40 - 1 })

describe("stored forms", () => {
  it("of link data", () => {
    fc.assert(
      fc.property(fc.record({ fixedData: bytes(70), userData: bytes(70) }), (data) => {
        expect(decodeLinkData(encodeLinkData(data))).toEqual(data)
      }),
    )
  })

  it("of notifications", () => {
    const notification = fc.record({ timestamp: time, nonce: bytes(255), encryptedMetadata: bytes(200) })
    fc.assert(
      fc.property(notification, (value) => {
        expect(decodeNotification(encodeNotification(value))).toEqual(value)
      }),
    )
    const usual = { timestamp: 0, nonce: new Uint8Array(24), encryptedMetadata: new Uint8Array(144) }
    expect(encodeNotification(usual)).toHaveLength(175)
  })

  it("of services", () => {
    const service = fc.record({
      serviceId: exactly(24),
      role: fc.constantFrom("M" as const, "N" as const, "P" as const),
      fingerprint: exactly(32),
      certificates: fc.array(bytes(100), { maxLength: 4 }),
      createdAt: time,
    })
    fc.assert(
      fc.property(service, (value) => {
        expect(decodeService(value.serviceId, encodeService(value))).toEqual(value)
      }),
    )
  })

  it("of totals", () => {
    fc.assert(
      fc.property(fc.record({ count: fc.integer({ min: 0, max: 2 ** 48 - 1 }), idsHash: exactly(16) }), (totals) => {
        expect(decodeTotals(encodeTotals(totals))).toEqual(totals)
      }),
    )
    expect(decodeTotals(undefined)).toEqual({ count: 0, idsHash: new Uint8Array(16) })
  })

  it("refuse other bytes with a DecodeError", () => {
    const decoders = [decodeLinkData, decodeNotification, decodeTotals, (b: Uint8Array) => decodeService(b, b)]
    fc.assert(
      fc.property(fc.constantFrom(...decoders), bytes(100), fc.boolean(), (decode, stored, plausible) => {
        if (plausible && stored.length > 0) stored[0] = 1
        try {
          decode(stored)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }),
    )
  })
})
