import { X509Certificate } from "node:crypto"
import { toHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { BACKENDS, seededRandom } from "../test/backends.ts"
import { DAY, makeCa, START } from "../test/certificates.ts"
import { createNativeCrypto } from "./native.ts"
import { createPortableCrypto } from "./portable.ts"
import { fingerprint, KEY_USAGE, parseCertificate } from "./x509.ts"
import { chainProblem, parseClientChain, parseServerChain } from "./x509-chain.ts"
import { CA_NAME, createLeafCertificate, createServiceCertificate, LONG_VALIDITY } from "./x509-create.ts"

const ALGORITHMS = ["ed25519", "ed448"] as const
const CASES = BACKENDS.flatMap((c) => ALGORITHMS.map((algorithm) => ({ c, name: c.name, algorithm })))

describe.each(CASES)("certificates made by $name with $algorithm", ({ c, algorithm }) => {
  const ca = makeCa(c, c.generateKeyPair(algorithm))
  const leafKey = c.generateKeyPair(algorithm)
  const leaf = createLeafCertificate(c, ca, leafKey.publicKey, DAY, "smp.example.org")
  const [openSslCa, openSslLeaf] = [new X509Certificate(ca.der), new X509Certificate(leaf)]

  it("are accepted and verified by OpenSSL", () => {
    expect(openSslCa.verify(openSslCa.publicKey)).toBe(true)
    expect(openSslCa.checkIssued(openSslCa)).toBe(true)
    expect(openSslLeaf.verify(openSslCa.publicKey)).toBe(true)
    expect(openSslLeaf.checkIssued(openSslCa)).toBe(true)
    expect(openSslLeaf.publicKey.asymmetricKeyType).toBe(algorithm)
  })

  it("have the content of transport.md §2.4", () => {
    expect(openSslCa.subject).toBe("CN=SMP server CA\nO=SimpleX")
    expect(openSslCa.issuer).toBe(openSslCa.subject)
    expect(openSslCa.ca).toBe(true)
    expect(openSslLeaf.subject).toBe("CN=smp.example.org")
    expect(openSslLeaf.issuer).toBe(openSslCa.subject)
    expect(openSslLeaf.ca).toBe(false)
    expect(openSslLeaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"])
    expect(parseCertificate(leaf).keyUsage).toBe(
      KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation | KEY_USAGE.keyAgreement,
    )
    expect(new Date(openSslLeaf.validFrom).getTime() / 1000).toBe(START)
    expect(new Date(openSslLeaf.validTo).getTime() / 1000).toBe(START + 86_400)
  })

  it("are parsed here as they were made", () => {
    const parsed = parseCertificate(leaf)
    expect(parsed.version).toBe(3)
    expect(parsed.algorithm).toBe(algorithm)
    expect(parsed.publicKey).toEqual(leafKey.publicKey)
    expect(parsed.issuer).toEqual(ca.certificate.subject)
    expect(parsed.basicConstraints).toEqual({ ca: false })
    expect(ca.certificate.basicConstraints).toEqual({ ca: true })
    expect([parsed.notBefore, parsed.notAfter]).toEqual([DAY.notBefore, DAY.notAfter])
    expect(chainProblem(c, parseServerChain([leaf, ca.der]), START)).toBeUndefined()
  })

  it("have the fingerprint that OpenSSL computes", () => {
    const expected = openSslCa.fingerprint256.replaceAll(":", "").toLowerCase()
    expect(toHex(fingerprint(c, ca.der))).toBe(expected)
  })

  it("have serial numbers that differ, positive and of 16 bytes", () => {
    expect(ca.certificate.serial.length).toBe(16)
    expect(ca.certificate.serial[0]).toBe(0x40)
    expect(parseCertificate(leaf).serial).not.toEqual(ca.certificate.serial)
  })

  it("include the single certificate of a service", () => {
    const der = createServiceCertificate(c, leafKey, { notBefore: START, notAfter: START + LONG_VALIDITY })
    const openSsl = new X509Certificate(der)
    expect(openSsl.verify(openSsl.publicKey)).toBe(true)
    expect(openSsl.subject).toBe("CN=simplex")
    expect(openSsl.serialNumber).toBe("01")
    expect(openSsl.validTo).toContain("4763")
    expect(chainProblem(c, parseClientChain([der]), START)).toBeUndefined()
  })
})

describe("certificates", () => {
  it("are the same bytes from both back ends for the same randomness", () => {
    const make = (c: ReturnType<typeof createNativeCrypto>): Uint8Array => makeCa(c).der
    const random = (): ReturnType<typeof seededRandom> => seededRandom("certificate")
    expect(make(createNativeCrypto({ random: random() }))).toEqual(make(createPortableCrypto({ random: random() })))
  })

  it("can mix algorithms: an Ed448 leaf of an Ed25519 CA", () => {
    for (const c of BACKENDS) {
      const ca = makeCa(c)
      const leaf = createLeafCertificate(c, ca, c.generateKeyPair("ed448").publicKey, DAY, "h")
      expect(new X509Certificate(leaf).verify(new X509Certificate(ca.der).publicKey)).toBe(true)
      expect(chainProblem(c, parseServerChain([leaf, ca.der]), START)).toBeUndefined()
    }
  })

  it("name the CA as the reference does", () => {
    expect(CA_NAME).toEqual({ commonName: "SMP server CA", organization: "SimpleX" })
  })
})
