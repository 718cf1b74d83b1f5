import { nativeCrypto } from "@sluice/crypto/native"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"

/** 2026-01-01, a time when the certificates are valid. */
export const NOW = 1_767_225_600

/** Makes the certificates of a server in a folder and returns their fingerprint. */
export async function makeIdentity(folder: string): Promise<Uint8Array> {
  const request = { host: "smp.example.org", now: NOW }
  return (await createIdentity(nativeCrypto, identityFiles(folder), request)).fingerprint
}
