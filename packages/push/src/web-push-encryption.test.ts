import { createDecipheriv, createECDH, hkdfSync } from "node:crypto"
import { generateP256, p256PrivateKey, publicKeyOfP256 } from "@sluice/crypto/native/p256"
import { decodeBase64Url, encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { utf8 } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { encryptWebPush, WEB_PUSH_LIMIT } from "./web-push-encryption.ts"

describe("RFC 8291", () => {
  it("gives the message of its section 5 and appendix A", () => {
    const privateKey = p256PrivateKey(decodeBase64Url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
    const keyPair = { privateKey, publicKey: publicKeyOfP256(privateKey) }
    expect(encodeBase64UrlUnpadded(keyPair.publicKey)).toBe(
      "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
    )
    const keys = {
      publicKey: decodeBase64Url(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
      ),
      auth: decodeBase64Url("BTBZMqHH6r4Tts7J_aSIgg"),
    }
    const salt = decodeBase64Url("DGv6ra1nlYgDCS1FRnbzlw")
    const body = encryptWebPush(utf8("When I grow up, I want to be a watermelon"), keys, { keyPair, salt })
    expect(encodeBase64UrlUnpadded(body ?? new Uint8Array(0))).toBe(
      "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_" +
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    )
  })
})

it("is read by the device, and by nobody else, for keys in both forms", () => {
  const device = createECDH("prime256v1")
  device.generateKeys()
  const auth = new Uint8Array(16).fill(7)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: WEB_PUSH_LIMIT }), fc.boolean(), (text, compressed) => {
      const form = compressed ? "compressed" : "uncompressed"
      const publicKey = new Uint8Array(device.getPublicKey(undefined, form) as unknown as Buffer)
      const body = encryptWebPush(text, { publicKey, auth })
      if (body === undefined) throw new Error("refused")
      expect(body).toHaveLength(text.length + 103)
      expect(new Uint8Array(open(body, device, auth))).toEqual(text)
      expect(() => open(body, device, new Uint8Array(16))).toThrow()
    }),
    { numRuns: 50 },
  )
})

it("refuses keys that are not on the curve, and texts that don't fit", () => {
  const auth = new Uint8Array(16)
  for (const publicKey of [
    new Uint8Array(33),
    new Uint8Array(33).fill(255).fill(2, 0, 1),
    new Uint8Array(65).fill(4),
    new Uint8Array(0),
  ]) {
    expect(encryptWebPush(utf8("x"), { publicKey, auth })).toBeUndefined()
  }
  const { publicKey } = generateP256()
  expect(encryptWebPush(new Uint8Array(WEB_PUSH_LIMIT), { publicKey, auth })).toHaveLength(4096)
  expect(() => encryptWebPush(new Uint8Array(WEB_PUSH_LIMIT + 1), { publicKey, auth })).toThrow(RangeError)
})

function open(body: Uint8Array, device: ReturnType<typeof createECDH>, auth: Uint8Array): Uint8Array {
  const sender = body.subarray(21, 86)
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), device.getPublicKey(), sender])
  const ikm = new Uint8Array(hkdfSync("sha256", device.computeSecret(sender), auth, info, 32))
  const part = (name: string, length: number): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", ikm, body.subarray(0, 16), Buffer.from(`Content-Encoding: ${name}\0`), length))
  const decipher = createDecipheriv("aes-128-gcm", part("aes128gcm", 16), part("nonce", 12))
  decipher.setAuthTag(body.subarray(-16))
  const text = Buffer.concat([decipher.update(body.subarray(86, -16)), decipher.final()])
  expect(text.at(-1)).toBe(2)
  return text.subarray(0, -1)
}
