import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import { OperatorError } from "@sluice/ops/operator-error"
import { CertificateError } from "@sluice/transport/certificate-error"
import { identityFiles, loadCredentials, secondsLeft } from "@sluice/transport/certificates"
import type { Credentials } from "@sluice/transport/credentials"

const DAY = 86_400
/** Days before the end of a certificate from which its operator is warned. */
const WARNING_DAYS = 30

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
