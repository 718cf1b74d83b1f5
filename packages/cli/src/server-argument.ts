import { DecodeError } from "@sluice/encoding/errors"
import { parseServerAddress, type ServerAddress } from "@sluice/encoding/server-address"
import { OperatorError, quoteValue } from "@sluice/ops/operator-error"
import { type GlobalOptions, loadSettings, placeOf } from "./place.ts"
import { localAddress } from "./relay-address.ts"

/** Bytes of a fingerprint. */
const KEY_HASH_LENGTH = 32

/** The server of an ADDRESS argument; the relay in the data folder when there is none. Throws `OperatorError`. */
export async function serverArgument(text: string | undefined, options: GlobalOptions): Promise<ServerAddress> {
  if (text !== undefined) return parseAddress(text, "ADDRESS")
  const place = placeOf(options)
  return parseAddress(await localAddress(place, loadSettings(place)), "ADDRESS")
}

/** Reads a server address. Throws `OperatorError` that names `argument` and hides the password. */
export function parseAddress(text: string, argument: string): ServerAddress {
  try {
    const address = parseServerAddress(text.trim(), { scheme: "smp" })
    if (address.keyHash.length === KEY_HASH_LENGTH) return address
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
  }
  const value = quoteValue(text.replace(/^(\w+:\/\/[^:@]*):[^@]*@/, "$1:[hidden]@"))
  throw new OperatorError(`${argument}: ${value} is not allowed; allowed: smp://fingerprint[:password]@host[:port]`)
}

/** Host and port for people. */
export function serverName({ hosts, port }: Pick<ServerAddress, "hosts" | "port">): string {
  const [first = "?"] = hosts
  const host = first.includes(":") ? `[${first}]` : first
  return `${host}:${port === "" ? 5223 : port}`
}
