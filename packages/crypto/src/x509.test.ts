import { X509Certificate } from "node:crypto"
import { concatBytes, fromHex, toHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { BACKENDS } from "../test/backends.ts"
import { makeCa, makeLeaf } from "../test/certificates.ts"
import { type KeyValue, rows } from "../test/vector-values.ts"
import { contextTag, DerReader, der, derBoolean, derSequence, derUnsigned, TAG } from "./der.ts"
import { encodePublicKey } from "./keys.ts"
import { nativeCrypto } from "./native.ts"
import { encodeSigned } from "./signed.ts"
import { fingerprint, KEY_USAGE, parseCertificate } from "./x509.ts"
import { chainProblem, isIssuedBy, parseServerChain } from "./x509-chain.ts"

const crypto = vectors("crypto.json")

interface CertificateRow {
  readonly name: string
  readonly key: KeyValue
  readonly der: string
  readonly fingerprint: string
}

interface IdentityRow {
  readonly alg: string
  readonly caKey: KeyValue
  readonly leafKey: KeyValue
  readonly chain: readonly string[]
  readonly keyHash: string
}

const identities = ["transport.json", "smp-commands-v20.json"].flatMap((name) =>
  rows<IdentityRow>(vectors(name), "serverIdentities").map((row) => ({ ...row, name: `${name} ${row.alg}` })),
)

describe.skipIf(crypto === undefined).each(BACKENDS)("$name: certificates of the reference", (c) => {
  it.each(rows<CertificateRow>(crypto, "certificates"))("parses the $name", (row) => {
    const bytes = fromHex(row.der)
    const certificate = parseCertificate(bytes)
    if (certificate.publicKey === undefined) throw new Error("no key found")
    expect(toHex(encodePublicKey(certificate.publicKey))).toBe(row.key.pub)
    expect(toHex(fingerprint(c, bytes))).toBe(row.fingerprint)
    expect([certificate.version, toHex(certificate.serial)]).toEqual([3, "05"])
    expect(certificate.notBefore).toBe(Date.UTC(2024, 0) / 1000)
    expect(certificate.notAfter).toBe(Date.UTC(2124, 0) / 1000)
    // Signed with the key inside, although subject and issuer have different names.
    expect(c.verify(certificate.publicKey, certificate.body, certificate.signature)).toBe(true)
    expect(isIssuedBy(c, certificate, certificate)).toBe(false)
  })

  it.each(identities)("parses and validates the server chain of $name", (row) => {
    const chain = parseServerChain(row.chain.map(fromHex))
    const keys = chain.certificates.map(({ publicKey }) => publicKey && toHex(encodePublicKey(publicKey)))
    expect(keys).toEqual([row.leafKey.pub, row.caKey.pub])
    expect(toHex(fingerprint(c, chain.identity.der))).toBe(row.keyHash)
    expect(chainProblem(c, chain, Date.UTC(2026, 0) / 1000)).toBeUndefined()
    expect(chainProblem(c, chain, Date.UTC(2023, 0) / 1000)).toBe("NOT_YET_VALID")
    expect(chainProblem(c, chain, Date.UTC(2125, 0) / 1000)).toBe("EXPIRED")
    expect(isIssuedBy(c, chain.anchor, chain.anchor)).toBe(true)
    expect(isIssuedBy(c, chain.leaf, chain.leaf)).toBe(false)
  })
})

// Made by OpenSSL 3.0: self-signed P-256, critical key usage (keyCertSign, cRLSign), CA with path length 1.
const P256_CA =
  "308201873082012ea00302010202140a0c67a19f29fbdaeb0a6595eb8f31fa000d6af0300a06082a8648ce3d0403023010310e300c06035504" +
  "030c056f74686572301e170d3236313132313034343732335a170d3336313131383034343732335a3010310e300c06035504030c056f746865" +
  "723059301306072a8648ce3d020106082a8648ce3d03010703420004f68bb4d1e1e7981f0c6feaa765a8b97c62d1d966f95c2b2a13b9b03743" +
  "be827452f961da868e2e98667306509ac9ec66fa83a5fb1501ba9b5984ed022b45921ea3663064301d0603551d0e041604148575c3ebd519bf" +
  "415443a6d2308268992be19c13301f0603551d230418301680148575c3ebd519bf415443a6d2308268992be19c13300e0603551d0f0101ff04" +
  "040302010630120603551d130101ff040830060101ff020101300a06082a8648ce3d04030203470030440220239ccac5c46e60638dc8bab370" +
  "6cbdc2d8967367b928181148d34e463c14cdad02206805323e1f3daac72279c6985f3bb601c19a86ab38c2db28d2de23a7fca81898"

describe("parsing certificates", () => {
  const ca = makeCa(nativeCrypto)
  const leaf = makeLeaf(nativeCrypto, ca)
  const [version, serial, algorithm, issuer, validity, subject, key, extensions] = elementsOf(
    parseCertificate(leaf).body,
  )

  /** A certificate with these elements as its body, signed anew. */
  const remade = (...elements: readonly (Uint8Array | undefined)[]): Uint8Array =>
    encodeSigned(nativeCrypto, ca.key.privateKey, derSequence(...elements.filter((e) => e !== undefined)))
  const withExtensions = (...list: readonly Uint8Array[]): Uint8Array =>
    remade(version, serial, algorithm, issuer, validity, subject, key, der(contextTag(3), derSequence(...list)))

  it("finds the same as OpenSSL", () => {
    const openSsl = new X509Certificate(leaf)
    const parsed = parseCertificate(leaf)
    expect(toHex(parsed.serial).toUpperCase()).toBe(openSsl.serialNumber)
    expect(parsed.notBefore).toBe(new Date(openSsl.validFrom).getTime() / 1000)
    const spki = openSsl.publicKey.export({ format: "der", type: "spki" })
    expect(parsed.publicKey && toHex(encodePublicKey(parsed.publicKey))).toBe(toHex(spki))
  })

  it("keeps views on the input", () => {
    const parsed = parseCertificate(leaf)
    for (const part of [parsed.body, parsed.serial, parsed.issuer, parsed.signature, parsed.publicKey?.raw]) {
      expect(part?.buffer).toBe(leaf.buffer)
    }
  })

  it("parses certificates with algorithms that it cannot check", () => {
    const parsed = parseCertificate(fromHex(P256_CA))
    expect(parsed.algorithm).toBeUndefined()
    expect(parsed.publicKey).toBeUndefined()
    expect(parsed.basicConstraints).toEqual({ ca: true, pathLength: 1 })
    expect(parsed.keyUsage).toBe(KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign)
    expect(parsed.unknownCritical).toBe(false)
    expect(isIssuedBy(nativeCrypto, parsed, parsed)).toBe(false)
  })

  it("parses certificates of older versions", () => {
    expect(parseCertificate(remade(serial, algorithm, issuer, validity, subject, key)).version).toBe(1)
    const version2 = der(contextTag(0), derUnsigned(Uint8Array.of(1)))
    const uniqueIds = [der(0x81, fromHex("0001")), der(0x82, fromHex("0002"))]
    const second = remade(version2, serial, algorithm, issuer, validity, subject, key, ...uniqueIds)
    expect(parseCertificate(second)).toMatchObject({ version: 2, keyUsage: undefined, unknownCritical: false })
  })

  it("notices critical extensions that it does not know", () => {
    const critical = derBoolean(true)
    const unknown = derSequence(fromHex("06022a03"), critical, der(TAG.octetString))
    expect(parseCertificate(withExtensions(unknown)).unknownCritical).toBe(true)
    const optional = derSequence(fromHex("06022a03"), der(TAG.octetString))
    expect(parseCertificate(withExtensions(optional)).unknownCritical).toBe(false)
    const alternativeName = derSequence(fromHex("0603551d11"), critical, der(TAG.octetString))
    expect(parseCertificate(withExtensions(alternativeName)).unknownCritical).toBe(false)
  })

  const usage = derSequence(fromHex("0603551d0f"), der(TAG.octetString, fromHex("03020780")))
  it.each<[string, Uint8Array]>([
    ["trailing bytes", concatBytes(leaf, Uint8Array.of(0))],
    [
      "trailing bytes in the body",
      remade(version, serial, algorithm, issuer, validity, subject, key, extensions, serial),
    ],
    [
      "another algorithm inside than outside",
      remade(version, serial, fromHex("300506032b6571"), issuer, validity, subject, key),
    ],
    [
      "an unknown version",
      remade(der(contextTag(0), derUnsigned(Uint8Array.of(3))), serial, algorithm, issuer, validity, subject, key),
    ],
    ["extensions without version 3", remade(serial, algorithm, issuer, validity, subject, key, extensions)],
    ["one extension twice", withExtensions(usage, usage)],
    [
      "key usage that is no BIT STRING",
      withExtensions(derSequence(fromHex("0603551d0f"), der(TAG.octetString, fromHex("0500")))),
    ],
    [
      "constraints with trailing bytes",
      withExtensions(derSequence(fromHex("0603551d13"), der(TAG.octetString, fromHex("300000")))),
    ],
    ["no key", remade(version, serial, algorithm, issuer, validity, subject)],
    ["nothing", new Uint8Array(0)],
  ])("refuses a certificate with %s", (_, bytes) => {
    expect(() => parseCertificate(bytes)).toThrow(DecodeError)
  })

  it("throws nothing but DecodeError on cut, changed or arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(leaf.length - 1), fc.nat(255), (bytes, at, value) => {
        const other = leaf.slice()
        other[at] = value
        expect(() => parseCertificate(leaf.subarray(0, at))).toThrow(DecodeError)
        for (const input of [bytes, other, concatBytes(leaf.subarray(0, at), bytes, leaf.subarray(at))]) {
          try {
            parseCertificate(input)
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** The elements of a certificate's body, in order. */
function elementsOf(body: Uint8Array): Uint8Array[] {
  const r = new DerReader(body).sequence("body")
  const tags = [contextTag(0), TAG.integer, ...new Array<number>(5).fill(TAG.sequence), contextTag(3)]
  return tags.map((tag) => r.element(tag, "body"))
}
