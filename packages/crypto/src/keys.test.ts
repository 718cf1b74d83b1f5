import { fromHex, toHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { Writer } from "@sluice/encoding/writer"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { BACKENDS } from "../test/backends.ts"
import { rows } from "../test/vector-values.ts"
import { CryptoError } from "./errors.ts"
import {
  ALGORITHMS,
  type Algorithm,
  decodePrivateKey,
  decodePublicKey,
  encodePrivateKey,
  encodePublicKey,
  equalPublicKeys,
  type KeyPlace,
  keyForPlace,
  privateKey,
  privateKeyFromString,
  privateKeyToString,
  publicKey,
  publicKeyFromString,
  publicKeyToString,
  readKey,
  readPrivateKey,
  SIZES,
  signatureAlgorithmOf,
  writeKey,
  writePrivateKey,
} from "./keys.ts"

const encoding = vectors("encoding.json")
const crypto = vectors("crypto.json")

interface KeyRow {
  readonly name: string
  readonly alg: string
  readonly privRaw: string
  readonly pubRaw: string
  readonly privDer: string
  readonly pubDer: string
  readonly pubSmp: string
  readonly pubStr: string
}

interface DecodeRow {
  readonly name: string
  readonly place: string
  readonly der: string
  readonly ok?: boolean
}

function written(write: (w: Writer) => void): Uint8Array {
  const w = new Writer()
  write(w)
  return w.finish()
}

/** Reads the field as the place says and encodes what was read again. */
function roundTrip(place: string, der: Uint8Array): Uint8Array {
  if (place === "anyPrivate") return encodePrivateKey(decodePrivateKey(der))
  const r = new Reader(written((w) => w.short(der)))
  const key = readKey(r, place.toLowerCase() as KeyPlace)
  r.end()
  return encodePublicKey(key)
}

describe.skipIf(encoding === undefined)("keys: vectors", () => {
  const keys = rows<KeyRow>(encoding, "keys")

  it.each(keys)("encodes and decodes $name", (row) => {
    const algorithm = row.alg.toLowerCase() as Algorithm
    const pub = publicKey(algorithm, fromHex(row.pubRaw))
    const priv = privateKey(algorithm, fromHex(row.privRaw))

    expect(toHex(encodePublicKey(pub))).toBe(row.pubDer)
    expect(toHex(encodePrivateKey(priv))).toBe(row.privDer)
    expect(toHex(written((w) => writeKey(w, pub)))).toBe(row.pubSmp)
    expect(publicKeyToString(pub)).toBe(row.pubStr)

    expect(decodePublicKey(fromHex(row.pubDer))).toEqual(pub)
    expect(decodePrivateKey(fromHex(row.privDer))).toEqual(priv)
    expect(readKey(new Reader(fromHex(row.pubSmp)), "any")).toEqual(pub)
    expect(publicKeyFromString(row.pubStr)).toEqual(pub)
    for (const c of BACKENDS) expect(c.publicKeyOf(priv)).toEqual(pub)
  })

  const decodes = [...rows<DecodeRow>(encoding, "keyPlaces"), ...rows<DecodeRow>(encoding, "keyDecode")]
  // The reference takes a BIT STRING that claims an unused bit; a key has exactly one encoding here (crypto.md §1).
  const stricter = ["bit string unused bits 1"]

  it.each(decodes)("decodes or refuses: $name ($place)", ({ name, place, der, ok }) => {
    if (ok === true && !stricter.includes(name)) expect(toHex(roundTrip(place, fromHex(der)))).toBe(der)
    else expect(() => roundTrip(place, fromHex(der))).toThrow(DecodeError)
  })

  it.each(rows<{ name: string; input: string; ok?: boolean }>(encoding, "keyStringDecode"))(
    "reads or refuses the text: $name",
    ({ input, ok }) => {
      if (ok === true)
        expect(publicKeyToString(publicKeyFromString(input)).replace(/=+$/, "")).toBe(input.replace(/=+$/, ""))
      else expect(() => publicKeyFromString(input)).toThrow(DecodeError)
    },
  )

  it.each(rows<{ name: string; ok?: boolean }>(crypto, "signatureDecode"))("tells $name", ({ name, ok }) => {
    const length = Number(/\d+$/.exec(name)?.[0])
    expect(signatureAlgorithmOf(length) !== undefined).toBe(ok === true)
  })
})

describe("keys", () => {
  const anyKey = fc
    .constantFrom(...ALGORITHMS)
    .chain((algorithm) =>
      fc
        .uint8Array({ minLength: SIZES[algorithm].key, maxLength: SIZES[algorithm].key })
        .map((raw) => ({ algorithm, raw })),
    )

  it("gives the SPKI of the worked example of crypto.md §13", () => {
    const seed = Uint8Array.from({ length: 32 }, (_, i) => i)
    for (const c of BACKENDS) {
      expect(toHex(encodePublicKey(c.publicKeyOf(privateKey("ed25519", seed))))).toBe(
        "302a300506032b657003210003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
      )
    }
  })

  it("gives the field of the worked example of encoding.md §4", () => {
    for (const c of BACKENDS) {
      const key = c.publicKeyOf(privateKey("x25519", new Uint8Array(32).fill(7)))
      expect(toHex(written((w) => writeKey(w, key)))).toBe(
        "2c302a300506032b656e03210013be4feaeaf204c7fd3358fc9c00721881d174278128227ec674f37f7fe97b6d",
      )
    }
  })

  it("reads every key that it writes", () => {
    fc.assert(
      fc.property(anyKey, ({ algorithm, raw }) => {
        const pub = publicKey(algorithm, raw)
        const priv = privateKey(algorithm, raw)
        expect(decodePublicKey(encodePublicKey(pub))).toEqual(pub)
        expect(decodePrivateKey(encodePrivateKey(priv))).toEqual(priv)
        expect(publicKeyFromString(publicKeyToString(pub))).toEqual(pub)
        expect(privateKeyFromString(privateKeyToString(priv))).toEqual(priv)
        expect(readPrivateKey(new Reader(written((w) => writePrivateKey(w, priv))))).toEqual(priv)
        expect(equalPublicKeys(pub, publicKey(algorithm, raw.slice()))).toBe(true)
      }),
    )
  })

  it("refuses a key with any byte of its header changed, cut or followed by another", () => {
    fc.assert(
      fc.property(anyKey, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ algorithm, raw }, place, change) => {
        const der = encodePublicKey(publicKey(algorithm, raw))
        const at = place % 12
        const other = der.slice()
        other[at] = (other[at] ?? 0) ^ change
        let decoded: Algorithm | undefined
        try {
          decoded = decodePublicKey(other).algorithm
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
        // The algorithms of 32 bytes differ in one byte, so a change can lead from one to the other, but nowhere else.
        if (decoded !== undefined) expect([algorithm, decoded].sort()).toEqual(["ed25519", "x25519"])
        expect(() => decodePublicKey(der.subarray(0, place % der.length))).toThrow(DecodeError)
        expect(() => decodePublicKey(new Uint8Array([...der, change]))).toThrow(DecodeError)
      }),
    )
  })

  it("refuses arbitrary bytes with a DecodeError only", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(() => decodePublicKey(bytes)).toThrow(DecodeError)
        expect(() => decodePrivateKey(bytes)).toThrow(DecodeError)
      }),
    )
  })

  it("keeps the decoded key as a view on the input", () => {
    const der = encodePublicKey(publicKey("x25519", new Uint8Array(32)))
    expect(decodePublicKey(der).raw.buffer).toBe(der.buffer)
  })

  it("narrows by place", () => {
    const key = publicKey("x448", new Uint8Array(56))
    expect(keyForPlace(key, "dh")).toBe(key)
    expect(() => keyForPlace(key, "auth")).toThrow(DecodeError)
  })

  it("takes raw keys of the right length only", () => {
    expect(() => publicKey("ed448", new Uint8Array(56))).toThrow(CryptoError)
    expect(() => privateKey("x25519", new Uint8Array(33))).toThrow(CryptoError)
  })

  it("tells keys of different algorithms apart", () => {
    const raw = new Uint8Array(32)
    expect(equalPublicKeys(publicKey("ed25519", raw), publicKey("x25519", raw))).toBe(false)
  })
})
