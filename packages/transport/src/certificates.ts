import { access, mkdir, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { decodePrivateKey, encodePrivateKey, equalPublicKeys, type PublicKey } from "@sluice/crypto/keys"
import { parseCertificate } from "@sluice/crypto/x509"
import { chainProblem, parseServerChain } from "@sluice/crypto/x509-chain"
import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { EMPTY, equalBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { writeFileAtomically } from "./atomic-file.ts"
import { CertificateError, type CertificateProblem } from "./certificate-error.ts"
import { type Credentials, type LeafKey, serverCredentials } from "./credentials.ts"
import { type CertificateRequest, createCa, createLeaf, keyPairOf } from "./identity.ts"
import { orAbsent } from "./or-absent.ts"
import { CERTIFICATE_LABEL, decodePem, encodePem, PRIVATE_KEY_LABEL } from "./pem.ts"

/** Paths of the files of a server's identity. */
export interface IdentityFiles {
  /** Identity certificate; certificates that issued it may follow in the same file. */
  readonly caCertificate: string
  /** Its key, needed only to make leaf certificates: best kept on another machine. */
  readonly caKey: string
  readonly leafCertificate: string
  readonly leafKey: string
  /** Fingerprint of the identity as text, to be put into addresses and compared at start; may be missing. */
  readonly fingerprint: string
}

/** The files in a directory, by the names that the reference server gives them. */
export function identityFiles(directory: string): IdentityFiles {
  return {
    caCertificate: join(directory, "ca.crt"),
    caKey: join(directory, "ca.key"),
    leafCertificate: join(directory, "server.crt"),
    leafKey: join(directory, "server.key"),
    fingerprint: join(directory, "fingerprint"),
  }
}

/**
 * Makes an offline CA and an online leaf certificate and writes all five files; key files have mode 0600. Directories
 * are made if need be. Throws `CertificateError`: EXISTS, before anything is written, when one of the files is there; or
 * INACCESSIBLE.
 */
export async function createIdentity(
  c: CryptoBackend,
  files: IdentityFiles,
  request: CertificateRequest,
): Promise<Credentials> {
  const { caKey, caCertificate, fingerprint, leafKey, leafCertificate } = files
  for (const path of [caKey, caCertificate, fingerprint, leafKey, leafCertificate]) {
    if (await exists(path)) throw new CertificateError({ code: "EXISTS", path })
    await onFile(path, mkdir(dirname(path), { recursive: true }))
  }
  const ca = createCa(c, request)
  const leaf = createLeaf(c, ca, request)
  const credentials = serverCredentials(c, [leaf.certificate, ca.certificate], leaf.key.privateKey)
  await write(caKey, keyPem(ca.key.privateKey), SECRET, false)
  await write(caCertificate, certificatePem(ca.certificate), PUBLIC, false)
  await write(fingerprint, `${encodeBase64Url(credentials.fingerprint)}\n`, PUBLIC, false)
  await write(leafKey, credentials.leafKeyPem, SECRET, false)
  await write(leafCertificate, certificatePem(leaf.certificate), PUBLIC, false)
  return credentials
}

/**
 * Replaces the leaf certificate and its key by new ones that the CA issues; the server's address stays the same. Throws
 * `CertificateError` when the CA's files are missing, garbled or do not belong together. A crash between the two new
 * files leaves a pair that {@link loadCredentials} refuses as MISMATCH; rotating again mends it.
 */
export async function rotateLeaf(
  c: CryptoBackend,
  files: IdentityFiles,
  request: CertificateRequest,
): Promise<Credentials> {
  const { caKey, caCertificate, leafKey, leafCertificate } = files
  const issuers = await readCertificates(caCertificate)
  const [identity] = issuers
  const key = await readKey(caKey)
  const caPair = keyPairOf(c, key)
  if (identity === undefined || !hasKey(identity, caPair.publicKey)) throw mismatch(caKey, caCertificate)
  const leaf = createLeaf(c, { certificate: identity, key: caPair }, request)
  const credentials = assemble(c, files, [leaf.certificate, ...issuers], leaf.key.privateKey, request.now)
  await write(leafKey, credentials.leafKeyPem, SECRET, true)
  await write(leafCertificate, certificatePem(leaf.certificate), PUBLIC, true)
  return credentials
}

/**
 * Reads what a server needs to run: everything but the CA key. The chain is the content of the leaf's file and then that
 * of the CA's, 2 to 4 certificates; those that are in both appear once. Throws `CertificateError` for anything that
 * would keep clients from connecting at time `now` (Unix seconds).
 */
export async function loadCredentials(
  c: CryptoBackend,
  files: Omit<IdentityFiles, "caKey">,
  now: number,
): Promise<Credentials> {
  const leafCertificates = await readCertificates(files.leafCertificate)
  const issuers = await readCertificates(files.caCertificate)
  const rest = issuers.filter((der) => !leafCertificates.some((other) => equalBytes(der, other)))
  const chain = [...leafCertificates, ...rest]
  const credentials = assemble(c, files, chain, await readKey(files.leafKey), now)
  if (!(await fingerprintAgrees(files.fingerprint, credentials.fingerprint))) {
    throw mismatch(files.fingerprint, files.caCertificate)
  }
  return credentials
}

/** Seconds until clients begin to refuse the certificates; negative when they already do. */
export function secondsLeft(credentials: Credentials, now: number): number {
  return credentials.notAfter - now
}

const SECRET = 0o600
const PUBLIC = 0o644

function assemble(
  c: CryptoBackend,
  { leafCertificate, leafKey, caCertificate }: Omit<IdentityFiles, "caKey">,
  ders: readonly Uint8Array[],
  key: LeafKey,
  now: number,
): Credentials {
  const chain = orAbsent(() => parseServerChain(ders))
  if (chain === undefined) throw new CertificateError({ code: "GARBLED", path: leafCertificate })
  if (!hasKey(chain.leaf.der, c.publicKeyOf(key))) throw mismatch(leafKey, leafCertificate)
  const reason = chainProblem(c, chain, now)
  if (reason === "BAD_SIGNATURE") throw mismatch(leafCertificate, caCertificate)
  if (reason !== undefined) throw new CertificateError({ code: "INVALID", path: leafCertificate, reason })
  return serverCredentials(c, ders, key)
}

function hasKey(certificate: Uint8Array, key: PublicKey): boolean {
  const own = parseCertificate(certificate).publicKey
  return own !== undefined && equalPublicKeys(own, key)
}

async function readCertificates(path: string): Promise<Uint8Array[]> {
  return garbledAs(path, await read(path), (text) => {
    const ders = decodePem(CERTIFICATE_LABEL, text)
    for (const der of ders) parseCertificate(der)
    return ders
  })
}

async function readKey(path: string): Promise<LeafKey> {
  return garbledAs(path, await read(path), (text) => {
    const [der, second] = decodePem(PRIVATE_KEY_LABEL, text)
    const key = decodePrivateKey(der ?? EMPTY)
    if (second !== undefined || (key.algorithm !== "ed25519" && key.algorithm !== "ed448")) {
      throw new DecodeError("private key: one Ed25519 or Ed448 key expected")
    }
    return key
  })
}

/** A missing file agrees: the CA certificate says the same. */
async function fingerprintAgrees(path: string, expected: Uint8Array): Promise<boolean> {
  if (!(await exists(path))) return true
  const found = garbledAs(path, await read(path), (text) => decodeBase64Url(text.trim()))
  return equalBytes(found, expected)
}

function certificatePem(der: Uint8Array): string {
  return encodePem(CERTIFICATE_LABEL, der)
}

function keyPem(key: LeafKey): string {
  return encodePem(PRIVATE_KEY_LABEL, encodePrivateKey(key))
}

function garbledAs<T>(path: string, text: string, decode: (text: string) => T): T {
  try {
    return decode(text)
  } catch (error) {
    if (error instanceof DecodeError) throw new CertificateError({ code: "GARBLED", path }, { cause: error })
    throw error
  }
}

function mismatch(path: string, other: string): CertificateError {
  return new CertificateError({ code: "MISMATCH", path, other })
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}

function read(path: string): Promise<string> {
  return onFile(path, readFile(path, "latin1"))
}

function write(path: string, content: string, mode: number, replace: boolean): Promise<void> {
  return onFile(path, writeFileAtomically(path, content, { mode, replace }))
}

/** The result of an operation on a file, with its failure named by the file. */
async function onFile<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "failed"
    throw new CertificateError(fileProblem(path, reason), { cause: error })
  }
}

function fileProblem(path: string, reason: string): CertificateProblem {
  if (reason === "ENOENT") return { code: "MISSING", path }
  return reason === "EEXIST" ? { code: "EXISTS", path } : { code: "INACCESSIBLE", path, reason }
}
