import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { fingerprint } from "@sluice/crypto/x509"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { DecodeError } from "@sluice/encoding/errors"
import { serverAddress } from "@sluice/notifications/address"
import type { NotificationsConfig } from "@sluice/notifications/config"
import { locateConfig } from "@sluice/notifications/program"
import { ensureFolder } from "@sluice/ops/atomic-file"
import type { LocatedConfig } from "@sluice/ops/locate-config"
import { OperatorError } from "@sluice/ops/operator-error"
import { createIdentity, type IdentityFiles, identityFiles } from "@sluice/transport/certificates"
import { CERTIFICATE_LABEL, decodePem } from "@sluice/transport/pem"
import { exists, unixSeconds, withCertificates } from "../identity.ts"
import { printData, printJson, say } from "../output.ts"
import { envOf, type GlobalOptions, placeOf, shown } from "../place.ts"

/** Options of `sluice notifications init`. */
export interface InitNotificationsOptions extends GlobalOptions {
  readonly host?: string
  readonly ed448?: true
  readonly json?: true
}

/** `sluice notifications init`: makes the certificates, prints the address. */
export async function initNotifications(options: InitNotificationsOptions): Promise<void> {
  const located = locate(options, options.host)
  const files = filesOf(located)
  if (await exists(files.caCertificate)) {
    throw new OperatorError(
      `${shown(files.caCertificate)} exists already: \`sluice notifications address\` prints the address of the server it is of`,
    )
  }
  await ensureFolder(located.dataFolder)
  const [host = "localhost"] = located.config.notifications.host
  const made = await withCertificates(() =>
    createIdentity(nativeCrypto, files, {
      host,
      now: unixSeconds(),
      algorithm: options.ed448 === true ? "ed448" : "ed25519",
    }),
  )
  const address = serverAddress(located.config, made.fingerprint)
  if (options.json) {
    printJson({ address, fingerprint: encodeBase64Url(made.fingerprint), dataFolder: located.dataFolder })
    return
  }
  say(`Made a push-notification server in ${shown(located.dataFolder)}. Its address, for apps:`)
  printData(address)
  if (options.host !== undefined) say(`\nSet notifications.host to ${options.host} as well: it is part of the address.`)
  say(`\nMove ${shown(files.caKey)} to another machine: whoever has it can be this server.`)
  say(
    "Next: credentials of a push service ([push.apns], [push.fcm] or [push.web]), then `sluice notifications` runs it.",
  )
}

/** `sluice notifications address`: the address alone on one line. */
export async function notificationsAddress(options: GlobalOptions): Promise<void> {
  const located = locate(options)
  const { caCertificate } = filesOf(located)
  if (!(await exists(caCertificate))) {
    throw new OperatorError(
      `there is no push-notification server in ${shown(located.dataFolder)}: make one with \`sluice notifications init\``,
    )
  }
  printData(serverAddress(located.config, await fingerprintOf(caCertificate)))
}

type Located = LocatedConfig<NotificationsConfig>

function locate(options: GlobalOptions, host?: string): Located {
  return locateConfig({
    env: envOf(placeOf(options)),
    ...(host !== undefined && { overrides: { "notifications.host": host } }),
  })
}

function filesOf({ config, dataFolder }: Located): IdentityFiles {
  return identityFiles(join(dataFolder, config.notifications.identity))
}

async function fingerprintOf(path: string): Promise<Uint8Array> {
  try {
    const [identity] = decodePem(CERTIFICATE_LABEL, await readFile(path, "latin1"))
    if (identity !== undefined) return fingerprint(nativeCrypto, identity)
  } catch (error) {
    if (!(error instanceof DecodeError || (error instanceof Error && "code" in error))) throw error
  }
  throw new OperatorError(`${shown(path)} is not a certificate that can be read`)
}
