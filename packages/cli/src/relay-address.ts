import { readFile } from "node:fs/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { fingerprint } from "@sluice/crypto/x509"
import { DecodeError } from "@sluice/encoding/errors"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { OperatorError } from "@sluice/ops/operator-error"
import { CERTIFICATE_LABEL, decodePem } from "@sluice/transport/pem"
import { exists, identityOf } from "./identity.ts"
import { type Place, type Settings, shown } from "./place.ts"
import { readRunRecord } from "./run-record.ts"

/** The port that an address need not name. */
const DEFAULT_PORT = 5223

/** What an address is made of besides the settings. */
export interface AddressParts {
  /** SHA-256 of the identity certificate, 32 bytes. */
  readonly fingerprint: Uint8Array
  readonly port: number
  /** Leaves out what lets others create queues; such an address is no secret. Default true. */
  readonly password?: boolean
}

/** `smp://fingerprint[:password]@host[,host…][:port]`. */
export function relayAddress({ config }: Settings, parts: AddressParts): string {
  return formatServerAddress({
    scheme: "smp",
    keyHash: parts.fingerprint,
    password: parts.password === false ? undefined : config.relay.password?.reveal(),
    hosts: config.relay.host,
    port: parts.port === DEFAULT_PORT ? "" : String(parts.port),
  })
}

/** The address of the relay in the data folder: of the one that runs, or of the one that would. */
export async function localAddress(place: Place, settings: Settings, password = true): Promise<string> {
  const keyHash = await localFingerprint(place, settings)
  const port = (await readRunRecord(place))?.port ?? settings.config.relay.port
  if (port === 0) {
    throw new OperatorError(
      "relay.port is 0, which takes a free port at each start: start the relay to have an address",
    )
  }
  return relayAddress(settings, { fingerprint: keyHash, port, password })
}

/** The fingerprint of the relay in the data folder, 32 bytes; needs no secret file. */
export async function localFingerprint(place: Place, settings: Settings): Promise<Uint8Array> {
  const { caCertificate } = identityOf(place, settings)
  if (!(await exists(caCertificate))) {
    throw new OperatorError(
      `there is no relay in ${shown(place.dataFolder)}: make one with \`sluice init\` or \`npm start\`, or name another folder with --data`,
    )
  }
  try {
    const [identity] = decodePem(CERTIFICATE_LABEL, await readFile(caCertificate, "latin1"))
    if (identity !== undefined) return fingerprint(nativeCrypto, identity)
  } catch (error) {
    if (!(error instanceof DecodeError || (error instanceof Error && "code" in error))) throw error
  }
  throw new OperatorError(`${shown(caCertificate)} is not a certificate that can be read`)
}
