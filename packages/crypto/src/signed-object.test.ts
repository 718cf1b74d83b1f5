import { concatBytes, fromHex, toHex } from "@sluice/encoding/bytes"
import { Reader } from "@sluice/encoding/reader"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { BACKENDS } from "../test/backends.ts"
import { changed, type KeyValue, rows } from "../test/vector-values.ts"
import { derBitString, derSequence } from "./der.ts"
import {
  decodePrivateKey,
  decodePublicKey,
  encodePublicKey,
  type PrivateKey,
  privateKey,
  publicKey,
  type SignatureAlgorithm,
} from "./keys.ts"
import { algorithmIdentifier, encodeSigned } from "./signed.ts"
import { signKey, verifySignedKey } from "./signed-object.ts"

const file = vectors("crypto.json")

interface Row {
  readonly name: string
  readonly signer: KeyValue
  readonly key: KeyValue
  readonly der: string
  readonly smp: string
  readonly verify: string
}

describe.skipIf(file === undefined).each(BACKENDS)("$name: signed object vectors", (c) => {
  it.each(rows<Row>(file, "signedObjects"))("$name", (row) => {
    const signer = decodePrivateKey(fromHex(row.signer.priv)) as PrivateKey<SignatureAlgorithm>
    const signerKey = decodePublicKey(fromHex(row.signer.pub))
    const key = decodePublicKey(fromHex(row.key.pub))
    const der = fromHex(row.der)
    expect(row.verify).toBe("ok")
    expect(toHex(signKey(c, signer, key))).toBe(row.der)
    expect(new Reader(fromHex(row.smp)).large("signed key")).toEqual(der)

    expect(verifySignedKey(c, signerKey, der, "x25519")).toEqual(key)
    const otherSigner = c.generateKeyPair(signer.algorithm).publicKey
    const keyInside = row.der.indexOf(row.key.pub) / 2 + 20
    expect(verifySignedKey(c, otherSigner, der, "x25519")).toBeUndefined()
    expect(verifySignedKey(c, signerKey, changed(der, -5), "x25519")).toBeUndefined()
    expect(verifySignedKey(c, signerKey, changed(der, keyInside), "x25519")).toBeUndefined()
    expect(verifySignedKey(c, signerKey, concatBytes(der, Uint8Array.of(0)), "x25519")).toBeUndefined()
    expect(verifySignedKey(c, signerKey, der, "ed25519")).toBeUndefined()
  })
})

describe.each(BACKENDS)("$name: signed objects", (c) => {
  const signer = privateKey("ed25519", new Uint8Array(32).fill(1))
  const signerKey = c.publicKeyOf(signer)
  const key = c.publicKeyOf(privateKey("x25519", new Uint8Array(32).fill(7)))

  it("match the worked example of encoding.md §4", () => {
    const der =
      "3078" +
      "302c302a300506032b656e03210013be4feaeaf204c7fd3358fc9c00721881d174278128227ec674f37f7fe97b6d" +
      "300506032b6570" +
      "034100" +
      "1cefc9b717360ac6d168482d00f845f650b3fc9bac0fe3d7774407a738fa6e79b9f71375cd4c88361da5d115dfff66d57fdcb2bff9cde884208d8b2ebe0d2d0f"
    expect(toHex(signKey(c, signer, key))).toBe(der)
    expect(verifySignedKey(c, signerKey, fromHex(der), "x25519")).toEqual(key)
  })

  it("have the sizes of encoding.md §1.6", () => {
    expect(signKey(c, signer, key).length).toBe(122)
    expect(signKey(c, c.generateKeyPair("ed448").privateKey, key).length).toBe(173)
  })

  it("carry keys of every algorithm", () => {
    for (const algorithm of ["ed25519", "ed448", "x25519", "x448"] as const) {
      const carried = c.generateKeyPair(algorithm).publicKey
      expect(verifySignedKey(c, signerKey, signKey(c, signer, carried), "any")).toEqual(carried)
    }
  })

  it("are refused without the extra SEQUENCE around the key", () => {
    const bare = encodeSigned(c, signer, encodePublicKey(key))
    expect(verifySignedKey(c, signerKey, bare, "x25519")).toBeUndefined()
  })

  it("are refused when they name another algorithm than the signer's", () => {
    const body = derSequence(encodePublicKey(key))
    const signature = derBitString(c.sign(signer, body))
    const other = derSequence(body, algorithmIdentifier("ed448"), signature)
    const unknown = derSequence(body, fromHex("300506032b6572"), signature)
    const withNull = derSequence(body, fromHex("300706032b65700500"), signature)
    for (const der of [other, unknown, withNull]) expect(verifySignedKey(c, signerKey, der, "x25519")).toBeUndefined()
    expect(verifySignedKey(c, publicKey("x25519", signerKey.raw), other, "x25519")).toBeUndefined()
  })

  it("never throw on cut, changed or arbitrary bytes", () => {
    const der = signKey(c, signer, key)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(der.length - 1), (bytes, at) => {
        expect(verifySignedKey(c, signerKey, bytes, "any")).toBeUndefined()
        expect(verifySignedKey(c, signerKey, der.subarray(0, at), "any")).toBeUndefined()
        expect(verifySignedKey(c, signerKey, changed(der, at), "any")).toBeUndefined()
      }),
      { numRuns: 40 },
    )
  })
})
