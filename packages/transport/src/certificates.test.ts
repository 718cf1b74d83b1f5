import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { fingerprint, parseCertificate } from "@sluice/crypto/x509"
import { parseServerChain } from "@sluice/crypto/x509-chain"
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { chainOf, goodChain, NOW } from "../test/chains.ts"
import { CertificateError, type CertificateProblem } from "./certificate-error.ts"
import {
  createIdentity,
  type IdentityFiles,
  identityFiles,
  loadCredentials,
  rotateLeaf,
  secondsLeft,
} from "./certificates.ts"
import { validateServerChain } from "./chain-validation.ts"
import { serverCredentials } from "./credentials.ts"
import { decodePem, encodePem } from "./pem.ts"

const request = { host: "relay.example", now: NOW }

let directory: string
let files: IdentityFiles
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-certificates-"))
  files = identityFiles(join(directory, "tls"))
})
afterEach(() => rm(directory, { recursive: true }))

/** What the promised operation is refused for. */
async function problemOf(operation: Promise<unknown>): Promise<CertificateProblem> {
  try {
    await operation
  } catch (error) {
    if (error instanceof CertificateError) return error.problem
    throw error
  }
  throw new Error("was not refused")
}

async function mode(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777
}

describe("a new identity", () => {
  it.each(["ed25519", "ed448"] as const)(
    "is five files with %s keys that load as they were made",
    async (algorithm) => {
      const made = await createIdentity(c, files, { ...request, algorithm })
      expect((await readdir(join(directory, "tls"))).sort()).toEqual([
        "ca.crt",
        "ca.key",
        "fingerprint",
        "server.crt",
        "server.key",
      ])
      expect(await loadCredentials(c, files, NOW)).toEqual(made)
      expect(made.leafKey.algorithm).toBe(algorithm)
      expect(made.chain.length).toBe(2)
      expect(validateServerChain(c, made.chain, made.fingerprint, NOW)).toBeUndefined()
      const { identity } = parseServerChain(made.chain)
      expect(fingerprint(c, identity.der)).toEqual(made.fingerprint)
      expect(decodeBase64Url((await readFile(files.fingerprint, "utf8")).trim())).toEqual(made.fingerprint)
    },
  )

  it("keeps its keys to itself", async () => {
    await createIdentity(c, files, request)
    expect([await mode(files.caKey), await mode(files.leafKey)]).toEqual([0o600, 0o600])
    expect([await mode(files.caCertificate), await mode(files.leafCertificate)]).toEqual([0o644, 0o644])
  })

  it.each(["caKey", "caCertificate", "leafKey", "leafCertificate", "fingerprint"] as const)(
    "is refused when there is a %s",
    async (name) => {
      await createIdentity(c, files, request)
      for (const path of Object.values<string>({ ...files })) if (path !== files[name]) await rm(path)
      const before = await readFile(files[name], "utf8")
      expect(await problemOf(createIdentity(c, files, request))).toEqual({ code: "EXISTS", path: files[name] })
      expect(await readdir(join(directory, "tls"))).toHaveLength(1)
      expect(await readFile(files[name], "utf8")).toBe(before)
    },
  )

  it("says where it cannot be written", async () => {
    await writeFile(join(directory, "tls"), "a file in the way")
    const problem = await problemOf(createIdentity(c, files, request))
    expect(problem).toMatchObject({ code: "EXISTS" })
  })

  it("has a lifetime to be inspected", async () => {
    const made = await createIdentity(c, files, { ...request, lifetime: 1000 })
    expect(secondsLeft(made, NOW)).toBe(1000)
    expect(secondsLeft(made, NOW + 1001)).toBe(-1)
    expect(made.notBefore).toBeLessThan(NOW)
  })
})

describe("rotation", () => {
  it("replaces the leaf and keeps the identity", async () => {
    const before = await createIdentity(c, files, request)
    const after = await rotateLeaf(c, files, { ...request, algorithm: "ed448" })
    expect(after.fingerprint).toEqual(before.fingerprint)
    expect(after.chain[1]).toEqual(before.chain[1])
    expect(after.chain[0]).not.toEqual(before.chain[0])
    expect(after.leafKey.algorithm).toBe("ed448")
    expect(await loadCredentials(c, files, NOW)).toEqual(after)
    expect(await mode(files.leafKey)).toBe(0o600)
    expect((await readdir(join(directory, "tls"))).length).toBe(5)
  })

  it("takes the CA key from another place, and without it nothing changes", async () => {
    const before = await createIdentity(c, files, request)
    const elsewhere = join(directory, "offline.key")
    await rename(files.caKey, elsewhere)
    expect(await problemOf(rotateLeaf(c, files, request))).toEqual({ code: "MISSING", path: files.caKey })
    expect(await loadCredentials(c, files, NOW)).toEqual(before)
    await rotateLeaf(c, { ...files, caKey: elsewhere }, request)
    expect((await loadCredentials(c, files, NOW)).chain[0]).not.toEqual(before.chain[0])
  })

  it("refuses the key of another CA", async () => {
    await createIdentity(c, files, request)
    const other = identityFiles(join(directory, "other"))
    await createIdentity(c, other, request)
    const problem = await problemOf(rotateLeaf(c, { ...files, caKey: other.caKey }, request))
    expect(problem).toEqual({ code: "MISMATCH", path: other.caKey, other: files.caCertificate })
  })
})

describe("loading", () => {
  beforeEach(async () => {
    await createIdentity(c, files, request)
  })

  it.each([2, 3, 4])("takes a chain of %i, the issuers in the CA's file or in both", async (length) => {
    const { chain, chainPem, leafKeyPem, fingerprint: hash } = goodChain(length)
    const pems = chain.map((der) => encodePem("CERTIFICATE", der))
    await rm(files.fingerprint)
    await writeFile(files.leafKey, leafKeyPem)
    await writeFile(files.leafCertificate, pems[0] ?? "")
    await writeFile(files.caCertificate, pems.slice(1).join(""))
    const split = await loadCredentials(c, files, NOW)
    await writeFile(files.leafCertificate, chainPem)
    const both = await loadCredentials(c, files, NOW)
    for (const loaded of [split, both]) {
      expect(loaded.chain).toEqual(chain)
      expect(loaded.fingerprint).toEqual(hash)
    }
  })

  it.each(["caCertificate", "leafCertificate", "leafKey"] as const)("names a missing %s", async (name) => {
    await rm(files[name])
    expect(await problemOf(loadCredentials(c, files, NOW))).toEqual({ code: "MISSING", path: files[name] })
  })

  it("does without the fingerprint's and the CA key's files", async () => {
    await rm(files.fingerprint)
    await rm(files.caKey)
    await loadCredentials(c, files, NOW)
  })

  it.each(["caCertificate", "leafCertificate", "leafKey"] as const)("names a garbled %s", async (name) => {
    const good = await readFile(files[name], "utf8")
    const label = name === "leafKey" ? "PRIVATE KEY" : "CERTIFICATE"
    const bad = [
      "",
      "not PEM",
      good.slice(0, -10),
      good.replaceAll("E", "!"),
      encodePem(label, Uint8Array.of(1, 2, 3)),
      encodePem("OTHER", decodePem(label, good)[0] ?? new Uint8Array()),
      name === "leafKey" ? good + good : good + encodePem(label, Uint8Array.of(1)),
    ]
    for (const text of bad) {
      await writeFile(files[name], text)
      expect(await problemOf(loadCredentials(c, files, NOW))).toEqual({ code: "GARBLED", path: files[name] })
    }
  })

  it("names a key that is not the leaf's", async () => {
    await writeFile(files.leafKey, goodChain(2).leafKeyPem)
    const problem = { code: "MISMATCH", path: files.leafKey, other: files.leafCertificate }
    expect(await problemOf(loadCredentials(c, files, NOW))).toEqual(problem)
  })

  it("names a key that cannot sign", async () => {
    await writeFile(
      files.leafKey,
      encodePem("PRIVATE KEY", Buffer.from(`302e020100300506032b656e04220420${"07".repeat(32)}`, "hex")),
    )
    expect(await problemOf(loadCredentials(c, files, NOW))).toEqual({ code: "GARBLED", path: files.leafKey })
  })

  it("names a leaf of another CA, and a fingerprint of another CA", async () => {
    const other = identityFiles(join(directory, "other"))
    await createIdentity(c, other, request)
    expect(await problemOf(loadCredentials(c, { ...files, caCertificate: other.caCertificate }, NOW))).toEqual({
      code: "MISMATCH",
      path: files.leafCertificate,
      other: other.caCertificate,
    })
    expect(await problemOf(loadCredentials(c, { ...files, fingerprint: other.fingerprint }, NOW))).toEqual({
      code: "MISMATCH",
      path: other.fingerprint,
      other: files.caCertificate,
    })
    await writeFile(files.fingerprint, "?")
    expect(await problemOf(loadCredentials(c, files, NOW))).toEqual({ code: "GARBLED", path: files.fingerprint })
  })

  it("says when clients would refuse the chain", async () => {
    const made = await createIdentity(c, identityFiles(join(directory, "short")), { ...request, lifetime: 10 })
    const short = identityFiles(join(directory, "short"))
    expect(await loadCredentials(c, short, NOW + 10)).toEqual(made)
    expect(await problemOf(loadCredentials(c, short, NOW + 11))).toEqual({
      code: "INVALID",
      path: short.leafCertificate,
      reason: "EXPIRED",
    })
  })

  it("refuses more certificates than clients accept", async () => {
    const { chainPem, leafKeyPem } = goodChain(5)
    await writeFile(files.leafKey, leafKeyPem)
    await writeFile(files.leafCertificate, chainPem)
    expect(await problemOf(loadCredentials(c, files, NOW))).toMatchObject({ code: "GARBLED" })
  })

  it.skipIf(process.getuid?.() === 0)("says when it may not read", async () => {
    await chmod(files.leafKey, 0)
    const problem = { code: "INACCESSIBLE", path: files.leafKey, reason: "EACCES" }
    expect(await problemOf(loadCredentials(c, files, NOW))).toEqual(problem)
  })

  it("says when it cannot read", async () => {
    await rm(files.leafKey)
    const inTheWay = { ...files, leafKey: directory }
    const problem = { code: "INACCESSIBLE", path: directory, reason: "EISDIR" }
    expect(await problemOf(loadCredentials(c, inTheWay, NOW))).toEqual(problem)
  })
})

describe("credentials in memory", () => {
  it("must have the leaf's key", () => {
    const [a, b] = [goodChain(2), goodChain(2)]
    expect(() => serverCredentials(c, a.chain, b.leafKey)).toThrow("not the leaf's")
  })

  it("last as long as the shortest certificate that is checked", () => {
    const chain = chainOf(
      "ed25519",
      { notAfter: NOW + 9 },
      { notAfter: NOW + 5, notBefore: NOW - 3 },
      { notAfter: NOW },
    )
    const credentials = serverCredentials(c, chain.chain, chain.leafKey)
    expect([credentials.notBefore, credentials.notAfter]).toEqual([NOW - 3, NOW + 5])
    expect(parseCertificate(credentials.chain[0] ?? new Uint8Array()).notAfter).toBe(NOW + 9)
  })
})
