import { access } from "node:fs/promises"
import { join } from "node:path"
import { OperatorError } from "@sluice/ops/operator-error"
import { CertificateError } from "@sluice/transport/certificate-error"
import { type IdentityFiles, identityFiles } from "@sluice/transport/certificates"
import type { Place, Settings } from "./place.ts"

/** The files of the relay's identity. */
export function identityOf(place: Place, { config }: Settings): IdentityFiles {
  return identityFiles(join(place.dataFolder, config.identity.path))
}

/** Present time as certificates count it. */
export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

/** Does something with certificate files; what is wrong with them becomes a line for the operator. */
export async function withCertificates<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof CertificateError) throw new OperatorError(error.message, { cause: error })
    throw error
  }
}

/** Whether there is something by this name. */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
