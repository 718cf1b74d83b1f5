import { concatBytes, fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import { pad, unpad } from "@sluice/encoding/padding"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { BACKENDS } from "../test/backends.ts"
import {
  type BytesValue,
  bytesOf,
  changed,
  expectBytes,
  type KeyValue,
  type OutputValue,
  rows,
} from "../test/vector-values.ts"
import { CryptoError } from "./errors.ts"
import {
  type DhAlgorithm,
  decodePrivateKey,
  decodePublicKey,
  type PrivateKey,
  type PublicKey,
  privateKey,
  publicKey,
  type SignatureAlgorithm,
} from "./keys.ts"

const file = vectors("crypto.json")

interface DhRow {
  readonly name: string
  readonly a: KeyValue
  readonly b: KeyValue
  readonly secret: string
}

interface SpecialRow {
  readonly name: string
  readonly privRaw: string
  readonly peerRaw: string
  readonly secret: string
}

interface SignatureRow {
  readonly name: string
  readonly key: KeyValue
  readonly message: string
  readonly signature: string
}

interface SignatureCase {
  readonly name: string
  readonly key?: KeyValue
  readonly pubRaw?: string
  readonly message?: string
  readonly signature?: string
  readonly verifies: boolean
}

interface HashRow {
  readonly name: string
  readonly message: string
  readonly sha256: string
  readonly sha512: string
  readonly sha3_256: string
  readonly sha3_384: string
}

interface HkdfRow {
  readonly name: string
  readonly salt: string
  readonly ikm: string
  readonly info: string
  readonly length: number
  readonly output: string
}

interface GcmRow {
  readonly name: string
  readonly key: string
  readonly iv: string
  readonly ad?: string
  readonly message: BytesValue
  readonly paddedLength?: number
  readonly tag: string
  readonly ciphertext: OutputValue
  readonly error?: string
}

const signing = (key: KeyValue): PrivateKey<SignatureAlgorithm> =>
  decodePrivateKey(fromHex(key.priv)) as PrivateKey<SignatureAlgorithm>
const agreeing = (key: KeyValue): PrivateKey<DhAlgorithm> =>
  decodePrivateKey(fromHex(key.priv)) as PrivateKey<DhAlgorithm>
const agreed = (key: KeyValue): PublicKey<DhAlgorithm> => decodePublicKey(fromHex(key.pub)) as PublicKey<DhAlgorithm>

describe.skipIf(file === undefined).each(BACKENDS)("$name: reference vectors", (c) => {
  it.each(rows<DhRow>(file, "dh"))("agrees on a secret: $name", ({ a, b, secret }) => {
    expect(toHex(c.diffieHellman(agreeing(a), agreed(b)))).toBe(secret)
    expect(toHex(c.diffieHellman(agreeing(b), agreed(a)))).toBe(secret)
    expect(c.publicKeyOf(agreeing(a))).toEqual(agreed(a))
  })

  // The reference goes on with an all-zero secret; crypto.md §1 allows to refuse it, which both libraries do.
  it.each(rows<SpecialRow>(file, "dhSpecialPoints"))("special point: $name", ({ name, privRaw, peerRaw, secret }) => {
    const algorithm = name.startsWith("X448") ? "x448" : "x25519"
    const agree = (): Uint8Array =>
      c.diffieHellman(privateKey(algorithm, fromHex(privRaw)), publicKey(algorithm, fromHex(peerRaw)))
    if (/^0*$/.test(secret)) expect(agree).toThrow(expect.objectContaining({ problem: "LOW_ORDER_POINT" }))
    else expect(toHex(agree())).toBe(secret)
  })

  it.each(rows<SignatureRow>(file, "signatures"))("signs and verifies: $name", (row) => {
    const own = signing(row.key)
    const key = decodePublicKey(fromHex(row.key.pub))
    const message = fromHex(row.message)
    const signature = fromHex(row.signature)
    expect(toHex(c.sign(own, message))).toBe(row.signature)
    expect(c.publicKeyOf(own)).toEqual(key)
    expect(c.verify(key, message, signature)).toBe(true)
    expect(c.verify(key, message, changed(signature, 0))).toBe(false)
    expect(c.verify(key, message, changed(signature, -2))).toBe(false)
    expect(c.verify(key, concatBytes(message, Uint8Array.of(0)), signature)).toBe(false)
    expect(c.verify(c.generateKeyPair(own.algorithm).publicKey, message, signature)).toBe(false)
  })

  // Both are accepted by the reference and refused here, as crypto.md §1 allows ("leniency that need not be copied").
  const stricter = ["Ed25519 signature with s + L", "Ed25519 all zero signature, zero key"]

  it.each(rows<SignatureCase>(file, "signatureCases"))("signature case: $name", (row) => {
    const { name, pubRaw, message, verifies } = row
    if (row.signature === undefined) {
      const [of, by] = name.startsWith("Ed448") ? (["ed448", "ed25519"] as const) : (["ed25519", "ed448"] as const)
      const signature = c.sign(c.generateKeyPair(of).privateKey, utf8("message"))
      expect(c.verify(c.generateKeyPair(by).publicKey, utf8("message"), signature)).toBe(verifies)
      return
    }
    const key =
      row.key === undefined ? publicKey("ed25519", fromHex(pubRaw ?? "")) : decodePublicKey(fromHex(row.key.pub))
    const expected = verifies && !stricter.includes(name)
    expect(c.verify(key, fromHex(message ?? ""), fromHex(row.signature))).toBe(expected)
  })

  it.each(rows<HashRow>(file, "hashes"))("$name", (row) => {
    const message = fromHex(row.message)
    for (const name of ["sha256", "sha512", "sha3_256", "sha3_384"] as const) {
      expect(toHex(c[name](message))).toBe(row[name])
    }
  })

  it.each(rows<HkdfRow>(file, "hkdf"))("HKDF $name", ({ salt, ikm, info, length, output }) => {
    expect(toHex(c.hkdf(fromHex(salt), fromHex(ikm), info, length))).toBe(output)
  })

  it.each([...rows<GcmRow>(file, "aesGcm"), ...rows<GcmRow>(file, "aesGcm12")])("AES-GCM $name", (row) => {
    const [key, iv, ad] = [fromHex(row.key), fromHex(row.iv), fromHex(row.ad ?? "")]
    const message = bytesOf(row.message)
    const { paddedLength } = row
    if (row.error !== undefined) {
      expect(() => pad(message, paddedLength ?? 0)).toThrow(EncodeError)
      return
    }
    const plain = paddedLength === undefined ? message : pad(message, paddedLength)
    const { tag, body } = c.aesGcmEncrypt(key, iv, ad, plain)
    expect(toHex(tag)).toBe(row.tag)
    expectBytes(body, row.ciphertext)

    const decrypted = c.aesGcmDecrypt(key, iv, ad, tag, body)
    expect(decrypted).toEqual(plain)
    if (paddedLength !== undefined) expect(unpad(decrypted ?? plain)).toEqual(message)
    expect(c.aesGcmDecrypt(key, iv, concatBytes(ad, Uint8Array.of(0)), tag, body)).toBeUndefined()
    expect(c.aesGcmDecrypt(key, changed(iv, 0), ad, tag, body)).toBeUndefined()
    expect(c.aesGcmDecrypt(key, iv, ad, changed(tag, 0), body)).toBeUndefined()
    if (body.length > 0) expect(c.aesGcmDecrypt(key, iv, ad, tag, changed(body, 0))).toBeUndefined()
  })
})

describe.each(BACKENDS)("$name: worked examples of crypto.md §13", (c) => {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i)

  it("derives the keys of the chain ratchet", () => {
    const parts = c.hkdf(new Uint8Array(0), key, "SimpleXChainRatchet", 96)
    expect(toHex(parts)).toBe(
      "700adb2d724336ee01af8788318163514b0bfaf4a78f68068211dec1498ea752" +
        "7e51e30511914d29893fd7640d76abdb2c5c3c81d4b332ef1ad82afc189b09a5" +
        "a539e64bf854a18090d981c0a2995665" +
        "bc018d49134b7b0ef0032f6b8e862037",
    )
  })

  it("takes an empty salt for 64 zero bytes", () => {
    expect(c.hkdf(new Uint8Array(64), key, "x", 96)).toEqual(c.hkdf(new Uint8Array(0), key, "x", 96))
  })

  it("encrypts with AES-256-GCM and an IV of 16 bytes", () => {
    const iv = Uint8Array.from({ length: 16 }, (_, i) => 0xc8 + i)
    const { tag, body } = c.aesGcmEncrypt(key, iv, utf8("ad"), pad(utf8("hello"), 16))
    expect(toHex(body)).toBe("242d6744fa51e1deed62591a99a7dda2")
    expect(toHex(tag)).toBe("2db47d60b47b5eee21fbac47c1827d72")
  })

  it("hashes with MD5 as RFC 1321 does", () => {
    expect(toHex(c.md5(utf8("message digest")))).toBe("f96b697d7cb7938d525a2f31aaf161d0")
  })

  it("throws one error type for low order points", () => {
    const own = c.generateKeyPair("x25519").privateKey
    expect(() => c.diffieHellman(own, publicKey("x25519", new Uint8Array(32)))).toThrow(CryptoError)
  })
})
