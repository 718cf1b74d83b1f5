import { fromHex, toHex } from "@sluice/encoding/bytes"
import { decodeWhole } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { BACKENDS } from "../test/backends.ts"
import { changed, rows } from "../test/vector-values.ts"
import type { CryptoBackend } from "./backend.ts"
import { createSntrup761 } from "./sntrup761.ts"

interface RandomValue {
  readonly bytes: string
}

interface KemCase {
  readonly name: string
  readonly keypairRandom: RandomValue
  readonly publicKey: string
  readonly secretKey: string
  readonly encapsRandom: RandomValue
  readonly ciphertext: string
  readonly sharedKey: string
  readonly decapsulated: string
  readonly changedFirstByteKey: string
  readonly changedLastByteKey: string
}

interface EncodingCase {
  readonly name: string
  readonly publicKey: string
  readonly publicKeySmp: string
  readonly secretKeySmp: string
  readonly ciphertextSmp: string
  readonly sharedKey: string
}

/** A back end that gives out exactly these bytes. */
function scripted(c: CryptoBackend, hex: string): { c: CryptoBackend; left: () => number } {
  let bytes = fromHex(hex)
  const randomBytes = (length: number): Uint8Array => {
    const taken = bytes.slice(0, length)
    bytes = bytes.subarray(length)
    return taken
  }
  return { c: { ...c, randomBytes }, left: () => bytes.length }
}

const file = vectors("crypto.json")

describe.skipIf(file === undefined).each(BACKENDS)("sntrup761 of the reference: $name", (c) => {
  it.each(rows<EncodingCase>(file, "sntrup761Encoding"))("$name: a length of two bytes before each", (kase) => {
    const field = (bytes: Uint8Array): string => toHex(encodeWith((w) => w.large(bytes)))
    expect(field(fromHex(kase.publicKey))).toBe(kase.publicKeySmp)
    const secretKey = decodeWhole(fromHex(kase.secretKeySmp), (r) => r.large("secret key"))
    const ciphertext = decodeWhole(fromHex(kase.ciphertextSmp), (r) => r.large("ciphertext"))
    expect(toHex(createSntrup761(c).decapsulate(secretKey, ciphertext))).toBe(kase.sharedKey)
  })

  it.each(rows<KemCase>(file, "sntrup761"))("$name", (kase) => {
    const keys = scripted(c, kase.keypairRandom.bytes)
    const pair = createSntrup761(keys.c).generateKeyPair()
    expect(toHex(pair.publicKey)).toBe(kase.publicKey)
    expect(toHex(pair.secretKey)).toBe(kase.secretKey)
    expect(keys.left()).toBe(0)

    const random = scripted(c, kase.encapsRandom.bytes)
    const kem = createSntrup761(random.c)
    const { ciphertext, sharedSecret } = kem.encapsulate(pair.publicKey)
    expect(toHex(ciphertext)).toBe(kase.ciphertext)
    expect(toHex(sharedSecret)).toBe(kase.sharedKey)
    expect(random.left()).toBe(0)

    expect(toHex(kem.decapsulate(pair.secretKey, ciphertext))).toBe(kase.decapsulated)
    expect(toHex(kem.decapsulate(pair.secretKey, changed(ciphertext, 0)))).toBe(kase.changedFirstByteKey)
    expect(toHex(kem.decapsulate(pair.secretKey, changed(ciphertext, -1)))).toBe(kase.changedLastByteKey)
  })
})
