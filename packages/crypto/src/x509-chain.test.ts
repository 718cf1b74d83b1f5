import { fromHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { describe, expect, it } from "vitest"
import { BACKENDS } from "../test/backends.ts"
import { DAY, makeCa, makeLeaf, START, type TestCa } from "../test/certificates.ts"
import type { CryptoBackend } from "./backend.ts"
import { contextTag, der, derBoolean, derNamedBits, derSequence, derTime, derUnsigned, TAG } from "./der.ts"
import { encodePublicKey, type KeyPair } from "./keys.ts"
import { algorithmIdentifier, encodeSigned } from "./signed.ts"
import { EXTENSION, KEY_USAGE, parseCertificate } from "./x509.ts"
import { type ChainProblem, chainProblem, parseClientChain, parseServerChain } from "./x509-chain.ts"
import { createServiceCertificate } from "./x509-create.ts"

interface Options {
  readonly notAfter?: number
  readonly version1?: boolean
  readonly extensions?: readonly Uint8Array[]
}

const CA_TRUE = extension(EXTENSION.basicConstraints, derSequence(derBoolean(true)))
const CA_NO_DEEPER = extension(EXTENSION.basicConstraints, derSequence(derBoolean(true), derUnsigned(Uint8Array.of(0))))
const usage = (mask: number): Uint8Array => extension(EXTENSION.keyUsage, derNamedBits(mask))

function extension(oid: string, value: Uint8Array, critical = false): Uint8Array {
  const flag = critical ? [derBoolean(true)] : []
  return derSequence(der(TAG.oid, fromHex(oid)), ...flag, der(TAG.octetString, value))
}

function name(text: string): Uint8Array {
  return derSequence(
    der(TAG.set, derSequence(fromHex("0603550403"), der(TAG.utf8String, new TextEncoder().encode(text)))),
  )
}

/** A certificate that the ordinary functions would not make. */
function issue(
  c: CryptoBackend,
  by: TestCa,
  key: KeyPair<"ed25519">,
  { notAfter = DAY.notAfter, version1 = false, extensions = [] }: Options,
): Uint8Array {
  const body = derSequence(
    ...(version1 ? [] : [der(contextTag(0), derUnsigned(Uint8Array.of(2)))]),
    derUnsigned(Uint8Array.of(9)),
    algorithmIdentifier(by.key.privateKey.algorithm),
    by.certificate.subject,
    derSequence(derTime(DAY.notBefore), derTime(notAfter)),
    name("intermediate"),
    encodePublicKey(key.publicKey),
    ...(extensions.length === 0 ? [] : [der(contextTag(3), derSequence(...extensions))]),
  )
  return encodeSigned(c, by.key.privateKey, body)
}

describe.each(BACKENDS)("$name: certificate chains", (c) => {
  const root = makeCa(c)
  const leaf = makeLeaf(c, root)

  /** An intermediate CA below `by`. */
  const intermediate = (by: TestCa, options: Options = { extensions: [CA_TRUE] }): TestCa => {
    const key = c.generateKeyPair("ed25519")
    const der = issue(c, by, key, options)
    return { key, der, certificate: parseCertificate(der) }
  }
  const problem = (chain: readonly Uint8Array[], at = START): ChainProblem | undefined =>
    chainProblem(c, parseServerChain(chain), at)

  it("give every position its role", () => {
    const middle = intermediate(root)
    const ders = [makeLeaf(c, middle), middle.der, root.der]
    const chain = parseServerChain(ders)
    expect(chain.certificates.map((certificate) => certificate.der)).toEqual(ders)
    expect(chain.leaf).toBe(chain.certificates[0])
    expect(chain.identity).toEqual(middle.certificate)
    expect(chain.anchor).toEqual(root.certificate)

    const two = parseServerChain([leaf, root.der])
    expect(two.identity).toBe(two.anchor)
    const one = parseClientChain([root.der])
    expect([one.leaf, one.identity, one.anchor]).toEqual([root.certificate, root.certificate, root.certificate])
  })

  it("have 2 to 4 certificates for servers and 1 to 4 for clients", () => {
    for (const length of [0, 1, 2, 3, 4, 5, 6]) {
      const ders = Array.from({ length }, () => leaf)
      const [server, client] = [() => parseServerChain(ders), () => parseClientChain(ders)]
      if (length >= 2 && length <= 4) expect(server).not.toThrow()
      else expect(server).toThrow(DecodeError)
      if (length >= 1 && length <= 4) expect(client).not.toThrow()
      else expect(client).toThrow(DecodeError)
    }
  })

  it("are valid with 2, 3 and 4 certificates", () => {
    const second = intermediate(root)
    const third = intermediate(second)
    expect(problem([leaf, root.der])).toBeUndefined()
    expect(problem([makeLeaf(c, second), second.der, root.der])).toBeUndefined()
    expect(problem([makeLeaf(c, third), third.der, second.der, root.der])).toBeUndefined()
    expect(chainProblem(c, parseClientChain([makeLeaf(c, second), second.der, root.der]), START)).toBeUndefined()
  })

  it("are valid from the first to the last second", () => {
    expect(problem([leaf, root.der], DAY.notBefore - 1)).toBe("NOT_YET_VALID")
    expect(problem([leaf, root.der], DAY.notBefore)).toBeUndefined()
    expect(problem([leaf, root.der], DAY.notAfter)).toBeUndefined()
    expect(problem([leaf, root.der], DAY.notAfter + 1)).toBe("EXPIRED")
  })

  it("do not depend on the dates and the CA flag of the anchor", () => {
    const longer = { notBefore: START, notAfter: START + 3 * 86_400 }
    expect(problem([makeLeaf(c, root, longer), root.der], START + 2 * 86_400)).toBeUndefined()
    const anchor = intermediate(root, {})
    expect(problem([makeLeaf(c, anchor), anchor.der])).toBeUndefined()
  })

  it("depend on the dates of certificates between", () => {
    const expired = intermediate(root, { extensions: [CA_TRUE], notAfter: START + 1 })
    expect(problem([makeLeaf(c, expired), expired.der, root.der], START + 2)).toBe("EXPIRED")
  })

  it.each<[string, Uint8Array[], ChainProblem | undefined]>([
    ["no constraints", [], "NOT_A_CA"],
    ["CA:FALSE", [extension(EXTENSION.basicConstraints, derSequence())], "NOT_A_CA"],
    ["a key usage that cannot sign certificates", [CA_TRUE, usage(KEY_USAGE.digitalSignature)], "NOT_A_CA"],
    ["a key usage that can", [CA_TRUE, usage(KEY_USAGE.keyCertSign)], undefined],
    ["a path length of 0 above a leaf", [CA_NO_DEEPER], undefined],
    ["an unknown critical extension", [CA_TRUE, extension("2a03", derSequence(), true)], "UNKNOWN_EXTENSION"],
  ])("check an issuer with %s", (_, extensions, expected) => {
    const middle = intermediate(root, { extensions })
    expect(problem([makeLeaf(c, middle), middle.der, root.der])).toBe(expected)
  })

  it("count the issuers below a path length", () => {
    const second = intermediate(root, { extensions: [CA_NO_DEEPER] })
    const third = intermediate(second)
    expect(problem([makeLeaf(c, third), third.der, second.der, root.der])).toBe("NOT_A_CA")
  })

  it.each<[string, Options, ChainProblem | undefined]>([
    ["no extensions", {}, undefined],
    ["version 1", { version1: true }, "BAD_LEAF"],
    ["key usage for signatures", { extensions: [usage(KEY_USAGE.digitalSignature)] }, undefined],
    ["key usage for key agreement only", { extensions: [usage(KEY_USAGE.keyAgreement)] }, "BAD_LEAF"],
    ["an unknown critical extension", { extensions: [extension("2a03", derSequence(), true)] }, "UNKNOWN_EXTENSION"],
  ])("check a leaf with %s", (_, options, expected) => {
    expect(problem([issue(c, root, c.generateKeyPair("ed25519"), options), root.der])).toBe(expected)
  })

  it("refuse a leaf of another CA, of the same name or not", () => {
    const other = makeCa(c)
    expect(problem([leaf, other.der])).toBe("BAD_SIGNATURE")
    const middle = intermediate(root)
    expect(problem([leaf, middle.der])).toBe("BAD_SIGNATURE")
    expect(problem([makeLeaf(c, middle), other.der])).toBe("BAD_SIGNATURE")
    expect(problem([makeLeaf(c, middle), middle.der, other.der])).toBe("BAD_SIGNATURE")
  })

  it("refuse a right signature under a wrong name", () => {
    const key = c.generateKeyPair("ed25519")
    const renamed = { key, der: root.der, certificate: { ...root.certificate, subject: name("other") } }
    const wrong = issue(c, { ...renamed, key: root.key }, key, {})
    expect(problem([wrong, root.der])).toBe("BAD_SIGNATURE")
  })

  it("check the self-signed certificate of a service, its dates included", () => {
    const key = c.generateKeyPair("ed448")
    const der = createServiceCertificate(c, key, DAY)
    const at = (now: number): ChainProblem | undefined => chainProblem(c, parseClientChain([der]), now)
    expect(at(START)).toBeUndefined()
    expect(at(START - 1)).toBe("NOT_YET_VALID")
    expect(at(DAY.notAfter + 1)).toBe("EXPIRED")
    expect(chainProblem(c, parseClientChain([leaf]), START)).toBe("BAD_SIGNATURE")
  })
})
