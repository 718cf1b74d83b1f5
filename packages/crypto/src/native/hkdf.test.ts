import { hkdfSync } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { hkdfSha512 } from "./hkdf.ts"

describe("hkdfSha512", () => {
  it("gives what OpenSSL gives, for inputs around all its internal sizes", () => {
    const lengths = [0, 1, 64, 127, 128, 129, 200, 511, 512, 513, 2000]
    for (const salt of lengths) {
      for (const ikm of lengths) {
        const [saltBytes, ikmBytes] = [new Uint8Array(salt).fill(salt), new Uint8Array(ikm).fill(ikm + 1)]
        const expected = new Uint8Array(hkdfSync("sha512", ikmBytes, saltBytes, "info", 100))
        expect(hkdfSha512(saltBytes, ikmBytes, "info", 100)).toEqual(expected)
      }
    }
    for (const length of [1, 63, 64, 65, 128, 129, 16_320]) {
      const expected = new Uint8Array(hkdfSync("sha512", "key", "salt", "", length))
      expect(hkdfSha512(Buffer.from("salt"), Buffer.from("key"), "", length)).toEqual(expected)
    }
  })

  it("gives what OpenSSL gives for arbitrary inputs, one call after the other", () => {
    const bytes = fc.uint8Array({ maxLength: 700 })
    fc.assert(
      fc.property(bytes, bytes, fc.string({ maxLength: 600, unit: "grapheme-ascii" }), (salt, ikm, info) => {
        const expected = new Uint8Array(hkdfSync("sha512", ikm, salt, info, 150))
        expect(hkdfSha512(salt, ikm, info, 150)).toEqual(expected)
      }),
    )
  })
})
