import { encodeBase64Url } from "@sluice/encoding/base64url"
import type { TomlInput } from "@sluice/ops/kind"
import { OperatorError } from "@sluice/ops/operator-error"
import { exists, identityOf } from "../identity.ts"
import { hasIdentity, makeRelay, randomPassword } from "../new-relay.ts"
import { printData, printJson, say } from "../output.ts"
import { type GlobalOptions, newSettings, type Place, placeOf, type Settings, shown } from "../place.ts"
import { relayAddress } from "../relay-address.ts"

/** Options of `sluice init`. */
export interface InitOptions extends GlobalOptions {
  readonly host?: string
  readonly port?: string
  /** True when the option has no value. */
  readonly password?: string | true
  readonly ed448?: true
  readonly json?: true
}

/** `sluice init`: makes a relay, prints its address. */
export async function init(options: InitOptions): Promise<void> {
  const place = placeOf(options)
  const password = options.password === true || options.password === "random" ? randomPassword() : options.password
  const given = { "relay.host": options.host, "relay.port": options.port, "relay.password": password }
  const current = newSettings(place, given)
  await refuseToOverwrite(place, current)
  const { relay } = current.config
  const set: Record<string, TomlInput> = {}
  if (options.host !== undefined) set["relay.host"] = relay.host
  if (options.port !== undefined) set["relay.port"] = relay.port
  if (password !== undefined) set["relay.password"] = password

  const fingerprint = await makeRelay(place, current, { set, ed448: options.ed448 === true })
  const address = relayAddress(current, { fingerprint, port: relay.port })
  if (options.json) {
    const { dataFolder, configFile } = place
    printJson({ address, fingerprint: encodeBase64Url(fingerprint), dataFolder, configFile })
    return
  }
  say(`Made a relay in ${shown(place.dataFolder)}. Its address, for apps and for those you trust:`)
  printData(address)
  say(`\nSettings: ${shown(place.configFile)}`)
  say(`Move ${shown(identityOf(place, current).caKey)} to another machine: whoever has it can be this relay.`)
  say("Next: `sluice up` runs it (here: `npm start`).")
}

async function refuseToOverwrite(place: Place, current: Settings): Promise<void> {
  const found = (await hasIdentity(place, current)) ? identityOf(place, current).caCertificate : place.configFile
  if (await exists(found)) {
    throw new OperatorError(
      `${shown(found)} exists already: \`sluice address\` prints the address of the relay it is of`,
    )
  }
}
