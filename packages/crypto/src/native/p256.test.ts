import { fromHex } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { CryptoError } from "../errors.ts"
import { compressedP256, generateP256, p256PrivateKey, p256Secret, publicKeyOfP256, uncompressedP256 } from "./p256.ts"

describe("RFC 5903 §8.1", () => {
  const i = p256PrivateKey(fromHex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"))
  const r = p256PrivateKey(fromHex("c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"))

  it("gives its public keys and its secret", () => {
    expect(publicKeyOfP256(i)).toEqual(
      fromHex(
        "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c377258118" +
          "05271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
      ),
    )
    const secret = fromHex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de")
    expect(p256Secret(i, publicKeyOfP256(r))).toEqual(secret)
    expect(p256Secret(r, publicKeyOfP256(i))).toEqual(secret)
  })
})

it("points go from one form to the other and back, and give the same secret in both", () => {
  fc.assert(
    fc.property(fc.constant(undefined), () => {
      const [a, b] = [generateP256(), generateP256()]
      const short = compressedP256(b.publicKey) ?? new Uint8Array(0)
      expect([short.length, b.publicKey.length, a.privateKey.length]).toEqual([33, 65, 32])
      expect(uncompressedP256(short)).toEqual(b.publicKey)
      expect(p256Secret(a.privateKey, short)).toEqual(p256Secret(b.privateKey, a.publicKey))
      expect(publicKeyOfP256(p256PrivateKey(a.privateKey))).toEqual(a.publicKey)
    }),
    { numRuns: 20 },
  )
})

it("bytes that are no point give nothing, and never throw", () => {
  const { privateKey } = generateP256()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const point = uncompressedP256(bytes)
      expect(point === undefined).toBe(p256Secret(privateKey, bytes) === undefined)
      expect(point === undefined).toBe(compressedP256(bytes) === undefined)
    }),
  )
})

it("private keys are 32 bytes from 1 to the order of the curve", () => {
  const order = fromHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
  for (const raw of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(32), new Uint8Array(33), order]) {
    expect(() => p256PrivateKey(raw)).toThrow(CryptoError)
  }
})
