import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { createTestAuthority } from "../../push/test/test-authority.ts"

/**
 * Writes certificates into a folder: of an authority (`ca.pem`), a server named `localhost` (`cert.pem`, `key.pem`), and of
 * an authority that has nothing to do with it (`foreign.pem`).
 */
export async function writeTlsFiles(folder: string): Promise<void> {
  const files = { ...createTestAuthority(), foreign: createTestAuthority().ca }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, `${name}.pem`), text)
}

/** Arguments of a server that speaks TLS with these files on this port, beside its other one. */
export function tlsArgs(folder: string, port: number): string[] {
  return [
    ...["--tls-port", `${port}`, "--tls-auth-clients", "no", "--tls-ca-cert-file", join(folder, "ca.pem")],
    ...["--tls-cert-file", join(folder, "cert.pem"), "--tls-key-file", join(folder, "key.pem")],
  ]
}
