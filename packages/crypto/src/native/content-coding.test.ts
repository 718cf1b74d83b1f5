import { fromHex, utf8 } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { expect, it } from "vitest"
import { CryptoError } from "../errors.ts"
import { aes128GcmOpen, aes128GcmSeal, hkdfSha256 } from "./content-coding.ts"

it("RFC 5869, appendix A.1", () => {
  const okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
  const ikm = new Uint8Array(22).fill(0x0b)
  expect(hkdfSha256(fromHex("000102030405060708090a0b0c"), ikm, fromHex("f0f1f2f3f4f5f6f7f8f9"), 42)).toEqual(
    fromHex(okm),
  )
})

it("the test cases 1 and 2 of the specification of GCM", () => {
  const zero = (length: number): Uint8Array => new Uint8Array(length)
  expect(aes128GcmSeal(zero(16), zero(12), zero(0))).toEqual(fromHex("58e2fccefa7e3061367f1d57a4e7455a"))
  expect(aes128GcmSeal(zero(16), zero(12), zero(16))).toEqual(
    fromHex("0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"),
  )
})

it("opens what it sealed, and nothing that was changed", () => {
  const key = utf8("0123456789abcdef")
  const nonce = utf8("0123456789ab")
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (message, at) => {
      const sealed = aes128GcmSeal(key, nonce, message)
      expect(sealed).toHaveLength(message.length + 16)
      expect(aes128GcmOpen(key, nonce, sealed)).toEqual(message)
      const place = at % sealed.length
      expect(aes128GcmOpen(key, nonce, sealed.with(place, (sealed[place] ?? 0) ^ 1))).toBeUndefined()
    }),
  )
  expect(aes128GcmOpen(key, nonce, new Uint8Array(15))).toBeUndefined()
  expect(() => aes128GcmSeal(nonce, nonce, key)).toThrow(CryptoError)
  expect(() => aes128GcmOpen(key, key, key)).toThrow(CryptoError)
})
