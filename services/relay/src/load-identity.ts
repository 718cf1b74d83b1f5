import { join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Clock } from "@sluice/ops/clock"
import { OperatorError } from "@sluice/ops/operator-error"
import { CertificateError } from "@sluice/transport/certificate-error"
import { identityFiles, loadCredentials } from "@sluice/transport/certificates"
import type { Credentials } from "@sluice/transport/credentials"
import type { RelayConfig } from "./config.ts"

/** Reads the relay's certificates. Throws `OperatorError` for files that can't be used. */
export async function loadIdentity(
  config: RelayConfig,
  dataFolder: string,
  crypto: CryptoBackend,
  clock: Clock,
): Promise<Credentials> {
  const files = identityFiles(join(dataFolder, config.identity.path))
  try {
    return await loadCredentials(crypto, files, Math.floor(clock.now() / 1000))
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    throw new OperatorError(
      `identity.path: ${error.message}; allowed: files made by \`sluice init\` or \`sluice cert rotate\``,
      {
        cause: error,
      },
    )
  }
}
