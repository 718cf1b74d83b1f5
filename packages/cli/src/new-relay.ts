import { dirname, join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { ensureFolder, writeFileAtomic } from "@sluice/ops/atomic-file"
import { renderDefaultToml } from "@sluice/ops/config-render"
import type { TomlInput } from "@sluice/ops/kind"
import { OperatorError } from "@sluice/ops/operator-error"
import { createIdentity } from "@sluice/transport/certificates"
import { exists, identityOf, unixSeconds, withCertificates } from "./identity.ts"
import { type Place, type Settings, settings, shown } from "./place.ts"

/** Bytes of a random password, as the reference server makes them. */
const PASSWORD_BYTES = 32

/** What a new relay is to be like. */
export interface NewRelay {
  /** Values to write into the file, by key such as `relay.port`; checked already. */
  readonly set: Readonly<Record<string, TomlInput>>
  readonly ed448: boolean
}

/** A password that nobody guesses. */
export function randomPassword(): string {
  return encodeBase64UrlUnpadded(nativeCrypto.randomBytes(PASSWORD_BYTES))
}

/**
 * Whether there is an identity. One that is lost while its queues are still there is an `OperatorError`: a new one
 * would be another address, and everybody's queues would be unreachable.
 */
export async function hasIdentity(place: Place, current: Settings): Promise<boolean> {
  const { caCertificate, leafCertificate } = identityOf(place, current)
  if ((await exists(caCertificate)) || (await exists(leafCertificate))) return true
  const store = join(place.dataFolder, current.config.store.path)
  if (await exists(store)) {
    throw new OperatorError(
      `identity.path: ${shown(dirname(caCertificate))} has no certificates, but ${shown(store)} has queues of a relay; bring its certificates back, or remove both to begin anew`,
    )
  }
  return false
}

/**
 * Makes what is missing: data folder (0700), configuration and certificates (secrets 0600). `current` is what the
 * configuration will say. Gives the fingerprint, 32 bytes.
 */
export async function makeRelay(place: Place, current: Settings, relay: NewRelay): Promise<Uint8Array> {
  const files = identityOf(place, current)
  await ensureFolder(place.dataFolder)
  if (!(await exists(place.configFile))) {
    // The file may hold the password.
    await writeFileAtomic(place.configFile, renderDefaultToml(settings, relay.set))
  }
  await ensureFolder(dirname(files.caKey))
  const [host = "localhost"] = current.config.relay.host
  const { fingerprint } = await withCertificates(() =>
    createIdentity(nativeCrypto, files, {
      host,
      now: unixSeconds(),
      algorithm: relay.ed448 ? "ed448" : "ed25519",
    }),
  )
  return fingerprint
}
