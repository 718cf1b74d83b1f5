import { fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import { pad } from "@sluice/encoding/padding"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { BACKENDS } from "../test/backends.ts"
import { type BytesValue, bytesOf, changed, expectBytes, type OutputValue, rows } from "../test/vector-values.ts"
import { NONCE_SIZE } from "./backend.ts"
import {
  cbDecrypt,
  cbDecryptNoPad,
  cbEncrypt,
  cbEncryptNoPad,
  cbNonce,
  dhBoxKey,
  openPadded,
  reverseNonce,
  sealPadded,
} from "./box.ts"
import { publicKey } from "./keys.ts"
import { sbDecryptTailTag, sbEncryptTailTag } from "./tail-tag.ts"

const file = vectors("crypto.json")

interface BoxRow {
  readonly name: string
  readonly secret: string
  readonly nonce: string
  readonly message: BytesValue
  readonly paddedLength?: number
  readonly packet: OutputValue
  readonly error?: string
}

interface DecryptRow {
  readonly name: string
  readonly secret: string
  readonly nonce: string
  readonly packet: string
  readonly padded: boolean
  readonly message?: string
}

interface TailRow {
  readonly name: string
  readonly key: string
  readonly nonce: string
  readonly message: string
  readonly paddedLength: number
  readonly output: string
}

describe.skipIf(file === undefined).each(BACKENDS)("$name: box vectors", (c) => {
  it.each(rows<BoxRow>(file, "box"))("$name", (row) => {
    const [secret, nonce, message] = [fromHex(row.secret), fromHex(row.nonce), bytesOf(row.message)]
    const { paddedLength } = row
    if (row.error !== undefined) {
      expect(() => cbEncrypt(c, secret, nonce, message, paddedLength ?? 0)).toThrow(EncodeError)
    } else if (paddedLength === undefined) {
      const packet = cbEncryptNoPad(c, secret, nonce, message)
      expectBytes(packet, row.packet)
      expect(cbDecryptNoPad(c, secret, nonce, packet)).toEqual(message)
    } else {
      const packet = cbEncrypt(c, secret, nonce, message, paddedLength)
      expectBytes(packet, row.packet)
      expect(cbDecrypt(c, secret, nonce, packet)).toEqual(message)
    }
  })

  it.each(rows<DecryptRow>(file, "boxDecrypt"))("decrypts or refuses: $name", (row) => {
    const decrypt = row.padded ? cbDecrypt : cbDecryptNoPad
    const message = decrypt(c, fromHex(row.secret), fromHex(row.nonce), fromHex(row.packet))
    expect(message && toHex(message)).toBe(row.message)
  })

  it.each(rows<TailRow>(file, "tailTag"))("$name", (row) => {
    const [key, nonce, message] = [fromHex(row.key), fromHex(row.nonce), fromHex(row.message)]
    const packet = sbEncryptTailTag(c, key, nonce, message, row.paddedLength)
    expect(toHex(packet)).toBe(row.output)
    expect(sbDecryptTailTag(c, key, nonce, packet)).toEqual(message)
    for (const at of [0, -1]) expect(sbDecryptTailTag(c, key, nonce, changed(packet, at))).toBeUndefined()
  })
})

describe.skipIf(file === undefined)("nonce vectors", () => {
  it.each(rows<{ name: string; input: string; nonce: string; reversed: string }>(file, "nonces"))("$name", (row) => {
    const nonce = cbNonce(fromHex(row.input))
    expect(toHex(nonce)).toBe(row.nonce)
    expect(toHex(reverseNonce(nonce))).toBe(row.reversed)
  })
})

describe.each(BACKENDS)("$name: boxes", (c) => {
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i)
  const nonce = Uint8Array.from({ length: NONCE_SIZE }, (_, i) => 100 + i)

  it("matches the worked examples of crypto.md §13", () => {
    expect(toHex(c.boxKey(secret))).toBe("50088706d3e1cee8a5c0f12504d968443211cf12af4a4b49e5c874b3ef4f85e7")
    expect(toHex(cbEncryptNoPad(c, secret, nonce, utf8("hello")))).toBe("3ceef33749cd0d5e4b4f4257ba7d4db173f2ee5f3c")
    expect(toHex(cbEncrypt(c, secret, nonce, utf8("hello"), 32))).toBe(
      "dc06b79187faaa671ffa795f4fb1c1621b92ea563fad3d6b0e2b551032511630572d1c11afcfab421178bc2773211d66",
    )
  })

  it("matches the worked example of encoding.md §4", () => {
    const secret = fromHex("47b423e97b81b4d5ac5c5b9a2ea6d56e99b89adb28bb4142af45c7b49916168e")
    const nonce = fromHex("43e2e629290810e32f8759f45f853f15cbee8f939815c466")
    expect(toHex(c.boxKey(secret))).toBe("c719da45c1fd9fefbcf36d0282de0f1ff1104d4ae40f663011723f5c0b574f45")
    const packet = "4d15e8781da459e8bcf7e3011f2a73f37a84ae29e4d3982b99d414dc56e403a7"
    expect(toHex(cbEncrypt(c, secret, nonce, utf8("hello"), 16))).toBe(packet)
    expect(toHex(cbEncryptNoPad(c, secret, nonce, pad(utf8("hello"), 16)))).toBe(packet)
  })

  it("opens what it sealed, with and without caller's buffers", () => {
    const key = c.boxKey(secret)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 62 }), (message) => {
        const out = new Uint8Array(80)
        const packet = sealPadded(c, key, nonce, message, 64, out)
        expect(packet).toBe(out)
        expect(packet).toEqual(cbEncrypt(c, secret, nonce, message, 64))
        const opened = new Uint8Array(64)
        const found = openPadded(c, key, nonce, packet, opened)
        expect(found).toEqual(message)
        expect(found?.buffer).toBe(opened.buffer)
        expect(sbDecryptTailTag(c, secret, nonce, sbEncryptTailTag(c, secret, nonce, message, 80))).toEqual(message)
      }),
    )
  })

  it("never throws on hostile packets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (packet) => {
        expect(cbDecrypt(c, secret, nonce, packet)).toBeUndefined()
        expect(sbDecryptTailTag(c, secret, nonce, packet)).toBeUndefined()
      }),
    )
  })

  it.each([
    ["no length", ""],
    ["half a length", "00"],
    ["a length beyond the block", "000300"],
  ])("refuses a padded box with %s", (_, content) => {
    expect(cbDecrypt(c, secret, nonce, cbEncryptNoPad(c, secret, nonce, fromHex(content)))).toBeUndefined()
  })

  it.each([
    ["no length", "00000000000000"],
    ["a negative length", "ffffffffffffffff00"],
    ["a length beyond the block", "000000000000000200"],
    ["a length beyond all memory", "7fffffffffffffff00"],
  ])("refuses a file box with %s", (_, content) => {
    const packet = cbEncryptNoPad(c, secret, nonce, fromHex(content))
    const tailTag = new Uint8Array([...packet.subarray(16), ...packet.subarray(0, 16)])
    expect(sbDecryptTailTag(c, secret, nonce, tailTag)).toBeUndefined()
  })

  it("refuses messages that do not fit", () => {
    expect(() => cbEncrypt(c, secret, nonce, new Uint8Array(15), 16)).toThrow(EncodeError)
    expect(() => cbEncrypt(c, secret, nonce, new Uint8Array(65_534), 70_000)).toThrow(EncodeError)
    expect(() => sbEncryptTailTag(c, secret, nonce, new Uint8Array(9), 16)).toThrow(EncodeError)
  })

  it("gives both sides of an agreement the same key, and none for a point of low order", () => {
    const [a, b] = [c.generateKeyPair("x25519"), c.generateKeyPair("x25519")]
    const key = dhBoxKey(c, a.privateKey, b.publicKey)
    expect(key?.length).toBe(32)
    expect(dhBoxKey(c, b.privateKey, a.publicKey)).toEqual(key)
    expect(dhBoxKey(c, a.privateKey, publicKey("x25519", new Uint8Array(32)))).toBeUndefined()
  })

  it("does not hide mistakes of the caller behind a missing key", () => {
    const { privateKey, publicKey } = c.generateKeyPair("x25519")
    expect(() => dhBoxKey(c, { ...privateKey, raw: new Uint8Array(31) }, publicKey)).toThrow("private key")
  })
})
