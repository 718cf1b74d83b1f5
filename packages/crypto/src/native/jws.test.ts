import { createPublicKey, generateKeyPairSync, verify } from "node:crypto"
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { CryptoError } from "../errors.ts"
import { jwsKeyFromPem, jwsKeyOfP256, signJws, verifyEs256 } from "./jws.ts"
import { generateP256, p256FromPem, publicKeyOfP256 } from "./p256.ts"

const pkcs8 = { type: "pkcs8", format: "pem" } as const
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export(pkcs8).toString()
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export(pkcs8).toString()

describe("keys from PEM", () => {
  const others = {
    "another curve": generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export(pkcs8).toString(),
    "a short RSA key": generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export(pkcs8).toString(),
    Ed25519: generateKeyPairSync("ed25519").privateKey.export(pkcs8).toString(),
    "a public key": createPublicKey(ec).export({ type: "spki", format: "pem" }).toString(),
    nothing: "",
    "no key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
  }

  it.each(Object.entries(others))("%s is refused", (_name, pem) => {
    for (const algorithm of ["ES256", "RS256"] as const) {
      expect(() => jwsKeyFromPem(algorithm, pem)).toThrow(CryptoError)
    }
    expect(() => p256FromPem(pem)).toThrow(CryptoError)
  })

  it("each algorithm refuses the other's", () => {
    expect(() => jwsKeyFromPem("RS256", ec)).toThrow(CryptoError)
    expect(() => jwsKeyFromPem("ES256", rsa)).toThrow(CryptoError)
  })
})

describe("tokens", () => {
  it("have the algorithm in their header, and a signature of the standard's form", () => {
    const token = signJws(jwsKeyFromPem("ES256", ec), { kid: "k" }, { iss: "t", iat: 1 })
    const [header = "", claims = "", signature = ""] = token.split(".")
    expect(fromUtf8(decodeBase64Url(header))).toBe('{"alg":"ES256","kid":"k"}')
    expect(fromUtf8(decodeBase64Url(claims))).toBe('{"iss":"t","iat":1}')
    expect(token).not.toContain("=")
    const point = publicKeyOfP256(p256FromPem(ec))
    expect(decodeBase64Url(signature)).toHaveLength(64)
    expect(verifyEs256(point, utf8(`${header}.${claims}`), decodeBase64Url(signature))).toBe(true)
  })

  it("RS256 is PKCS #1 over SHA-256", () => {
    const [header, claims, signature = ""] = signJws(jwsKeyFromPem("RS256", rsa), {}, {}).split(".")
    expect(verify("sha256", utf8(`${header}.${claims}`), createPublicKey(rsa), decodeBase64Url(signature))).toBe(true)
  })
})

it("ES256 holds for its key and message only, and whatever else is false", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(63),
      fc.uint8Array({ maxLength: 70 }),
      (message, at, junk) => {
        const { privateKey, publicKey } = generateP256()
        const signature = jwsKeyOfP256(privateKey).sign(message)
        expect(verifyEs256(publicKey, message, signature)).toBe(true)
        expect(verifyEs256(generateP256().publicKey, message, signature)).toBe(false)
        expect(verifyEs256(publicKey, utf8("another"), signature)).toBe(false)
        expect(verifyEs256(publicKey, message, signature.with(at, (signature[at] ?? 0) ^ 1))).toBe(false)
        expect(verifyEs256(junk, message, signature)).toBe(false)
        expect(verifyEs256(publicKey, message, junk)).toBe(false)
      },
    ),
    { numRuns: 30 },
  )
})
