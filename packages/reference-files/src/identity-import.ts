import { mkdir, readFile } from "node:fs/promises"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { fingerprint } from "@sluice/crypto/x509"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { equalBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { PRIVATE_FOLDER_MODE, SECRET_FILE_MODE, writeFileAtomic } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import { CertificateError } from "@sluice/transport/certificate-error"
import { type IdentityFiles, identityFiles, loadCredentials } from "@sluice/transport/certificates"
import { CERTIFICATE_LABEL, decodePem } from "@sluice/transport/pem"
import { readable } from "./file-versions.ts"
import { exists } from "./paths.ts"

const PUBLIC_FILE_MODE = 0o644

/** Certificates of a server that can be taken over. */
export interface FoundIdentity {
  readonly files: IdentityFiles
  /** The key hash of the server's address, 32 bytes. */
  readonly fingerprint: Uint8Array
  /** Whether the CA's key is with them; it is needed only to make new certificates and should be kept elsewhere. */
  readonly hasCaKey: boolean
}

/**
 * Looks at the certificates of a folder. Throws `OperatorError` unless clients would accept them at `now` (Unix seconds)
 * and key and `fingerprint` file belong to them.
 */
export async function findIdentity(c: CryptoBackend, folder: string, now: number): Promise<FoundIdentity> {
  const files = identityFiles(folder)
  try {
    const { fingerprint: found } = await loadCredentials(c, files, now)
    return { files, fingerprint: found, hasCaKey: await exists(files.caKey) }
  } catch (error) {
    if (error instanceof CertificateError) throw new OperatorError(error.message, { cause: error })
    throw error
  }
}

/** Throws `OperatorError` when a folder has certificates of another server. */
export async function refuseOtherIdentity(c: CryptoBackend, folder: string, found: FoundIdentity): Promise<void> {
  const { caCertificate } = identityFiles(folder)
  if (!(await exists(caCertificate))) return
  const own = fingerprintOf(c, await readable(caCertificate, readFile(caCertificate, "latin1")))
  if (own !== undefined && equalBytes(own, found.fingerprint)) return
  throw new OperatorError(
    `${caCertificate} is the identity of another server, whose address would be lost: move its folder away first`,
  )
}

/** Whether {@link copyIdentity} came to its end in this folder. */
export function isIdentity(folder: string): Promise<boolean> {
  return exists(identityFiles(folder).caCertificate)
}

/**
 * Copies the certificates, byte for byte, with key files readable only for their owner. The CA certificate comes last:
 * without it the folder is no identity yet. Doing it again changes nothing.
 */
export async function copyIdentity(found: FoundIdentity, folder: string): Promise<void> {
  const { files } = found
  const target = identityFiles(folder)
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER_MODE })
  if (found.hasCaKey) await copy(files.caKey, target.caKey, SECRET_FILE_MODE)
  await copy(files.leafKey, target.leafKey, SECRET_FILE_MODE)
  await copy(files.leafCertificate, target.leafCertificate, PUBLIC_FILE_MODE)
  await writeFileAtomic(target.fingerprint, `${encodeBase64Url(found.fingerprint)}\n`, PUBLIC_FILE_MODE)
  await copy(files.caCertificate, target.caCertificate, PUBLIC_FILE_MODE)
}

async function copy(from: string, to: string, mode: number): Promise<void> {
  await writeFileAtomic(to, await readable(from, readFile(from)), mode)
}

function fingerprintOf(c: CryptoBackend, pem: string): Uint8Array | undefined {
  try {
    const [der] = decodePem(CERTIFICATE_LABEL, pem)
    return der === undefined ? undefined : fingerprint(c, der)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
