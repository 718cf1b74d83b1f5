import type { CryptoBackend } from "@sluice/crypto/backend"
import { equalBytes } from "@sluice/encoding/bytes"
import { FileReload, type FileReloadComponents } from "@sluice/ops/file-reload"
import { OperatorError } from "@sluice/ops/operator-error"
import { identityFiles } from "@sluice/transport/certificates"
import type { Credentials } from "@sluice/transport/credentials"
import { loadServerIdentity, type ServerIdentity, warnBeforeExpiry } from "./server-identity.ts"

export interface IdentityReloadOptions extends ServerIdentity {
  /** Takes new ones of the same identity. */
  readonly use: (credentials: Credentials) => void
}

/**
 * A server's certificates, taken over when their files change or when an operator says so. Only whole pairs of the same
 * identity are: another identity is another address, which takes a restart.
 */
export function identityReload(
  { setting, folder, present, use }: IdentityReloadOptions,
  { crypto, ...components }: FileReloadComponents & { readonly crypto: CryptoBackend },
): FileReload<Credentials> {
  const { clock, log } = components
  const { caCertificate, leafCertificate, leafKey, fingerprint } = identityFiles(folder)
  const options = {
    ...{ what: "certificates", present },
    files: [caCertificate, leafCertificate, leafKey, fingerprint],
    same: (a: Credentials, b: Credentials) => a.chainPem === b.chainPem && a.leafKeyPem === b.leafKeyPem,
    async load(): Promise<Credentials> {
      const loaded = await loadServerIdentity(setting, folder, { crypto, clock })
      if (equalBytes(loaded.fingerprint, present.fingerprint)) return loaded
      throw new OperatorError(
        `${setting}: the certificates are of another identity; allowed: those of the same one, or a restart with another address`,
      )
    },
    use(loaded: Credentials): void {
      use(loaded)
      warnBeforeExpiry(loaded, clock, log)
    },
  }
  return new FileReload(options, components)
}
