import { join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import { OperatorError } from "@sluice/ops/operator-error"
import { CertificateError } from "@sluice/transport/certificate-error"
import { identityFiles, loadCredentials, secondsLeft } from "@sluice/transport/certificates"
import type { Credentials } from "@sluice/transport/credentials"
import type { ServiceComponents } from "./service-components.ts"

const DAY = 86_400
/** Days before the end of a certificate from which its operator is warned. */
const WARNING_DAYS = 30

/** A server's certificates, and where they come from. */
export interface ServerIdentity {
  /** Key of the setting that names the folder, for errors. */
  readonly setting: string
  readonly folder: string
  /** Those that the server starts with. */
  readonly present: Credentials
}

/**
 * Loads the certificates that a service starts with. Throws `OperatorError` for files that can't be used.
 * @param path what the setting says, relative to the data folder
 */
export async function openIdentity(
  setting: string,
  path: string,
  { dataFolder, ...components }: Pick<ServiceComponents, "dataFolder" | "crypto" | "clock">,
): Promise<ServerIdentity> {
  const folder = join(dataFolder, path)
  return { setting, folder, present: await loadServerIdentity(setting, folder, components) }
}

/**
 * Reads a server's certificates from a folder. Throws `OperatorError` for files that can't be used.
 * @param setting key of the setting that names the folder, for that error
 */
export async function loadServerIdentity(
  setting: string,
  folder: string,
  { crypto, clock }: { readonly crypto: CryptoBackend; readonly clock: Clock },
): Promise<Credentials> {
  try {
    return await loadCredentials(crypto, identityFiles(folder), Math.floor(clock.now() / 1000))
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    const allowed = "files made by `sluice init` or `sluice cert rotate`"
    throw new OperatorError(`${setting}: ${error.message}; allowed: ${allowed}`, { cause: error })
  }
}

/** Warns when clients will soon refuse the certificates. To be called at the start, daily, and after a change. */
export function warnBeforeExpiry(credentials: Credentials, clock: Clock, log: Log): void {
  const daysLeft = Math.floor(secondsLeft(credentials, clock.now() / 1000) / DAY)
  if (daysLeft >= WARNING_DAYS) return
  log.warn("the certificate expires soon: rotate it with `sluice cert rotate`", { daysLeft })
}
