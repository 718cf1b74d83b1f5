import { nativeCrypto } from "@sluice/crypto/native"
import { parseCertificate } from "@sluice/crypto/x509"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { EMPTY } from "@sluice/encoding/bytes"
import { OperatorError } from "@sluice/ops/operator-error"
import { type IdentityFiles, loadCredentials, rotateLeaf } from "@sluice/transport/certificates"
import { certificateLines, describeChain } from "../certificate-table.ts"
import { exists, identityOf, unixSeconds, withCertificates } from "../identity.ts"
import { printData, printJson, say } from "../output.ts"
import { type GlobalOptions, loadSettings, placeOf } from "../place.ts"
import { localFingerprint } from "../relay-address.ts"
import { readRunRecord } from "../run-record.ts"

const DAY = 86_400

/** `sluice cert show` */
export async function showCertificates(options: GlobalOptions & { readonly json?: true }): Promise<void> {
  const place = placeOf(options)
  const settings = loadSettings(place)
  await localFingerprint(place, settings)
  const files = identityOf(place, settings)
  const { chain } = await withCertificates(() => loadCredentials(nativeCrypto, files, unixSeconds()))
  const shown = describeChain(chain, unixSeconds())
  if (options.json) printJson(shown)
  else printData(certificateLines(shown))
}

/** `sluice cert fingerprint` */
export async function printFingerprint(options: GlobalOptions): Promise<void> {
  const place = placeOf(options)
  printData(encodeBase64Url(await localFingerprint(place, loadSettings(place))))
}

/** Options of `sluice cert rotate`. */
export interface RotateOptions extends GlobalOptions {
  readonly ed25519?: true
  readonly ed448?: true
  readonly days?: number
}

/** `sluice cert rotate` */
export async function rotateCertificate(options: RotateOptions): Promise<void> {
  const place = placeOf(options)
  const settings = loadSettings(place)
  await localFingerprint(place, settings)
  const files = identityOf(place, settings)
  if (!(await exists(files.caKey))) {
    throw new OperatorError(`${files.caKey} is not here: rotate where it is kept, or bring it back for this command`)
  }
  const [host = "localhost"] = settings.config.relay.host
  const { chain } = await withCertificates(async () =>
    rotateLeaf(nativeCrypto, files, {
      host,
      now: unixSeconds(),
      algorithm: options.ed448 ? "ed448" : options.ed25519 ? "ed25519" : await presentAlgorithm(files),
      lifetime: options.days === undefined ? undefined : options.days * DAY,
    }),
  )
  printData(certificateLines(describeChain(chain, unixSeconds())))
  const running = await readRunRecord(place)
  say(
    running === undefined
      ? "The relay uses it from its next start."
      : `The running relay takes it over: kill -HUP ${running.pid}`,
  )
}

/** The algorithm of the certificate that is replaced; the usual one where it cannot be read. */
async function presentAlgorithm(files: IdentityFiles): Promise<"ed25519" | "ed448"> {
  try {
    const { chain } = await loadCredentials(nativeCrypto, files, unixSeconds())
    return parseCertificate(chain[0] ?? EMPTY).publicKey?.algorithm === "ed448" ? "ed448" : "ed25519"
  } catch {
    // Expired, lost or cut short: the reasons why somebody rotates.
    return "ed25519"
  }
}
