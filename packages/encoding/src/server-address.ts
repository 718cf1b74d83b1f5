import { encodeBase64Url, tokenBase64Url } from "./base64url.ts"
import { fromLatin1, latin1 } from "./bytes.ts"
import { DecodeError, EncodeError } from "./errors.ts"
import { readHost, tokenHost, writeHost } from "./host.ts"
import { isPassword } from "./password.ts"
import type { Reader } from "./reader.ts"
import type { Writer } from "./writer.ts"

/** Which kind of server an address is for. */
export type ServerScheme = "smp" | "ntf" | "xftp"

/** A server as the binary form has it. */
export interface Server {
  /** At least one; normalised texts of encoding.md §2.3. */
  readonly hosts: readonly string[]
  /** Empty for the protocol's default port. Digits in an address; the binary form allows any 8-bit characters. */
  readonly port: string
  /** SHA-256 of the identity certificate, 32 bytes; other lengths are read, but no connection to them succeeds. */
  readonly keyHash: Uint8Array
}

/** A server with what only its string form has: `scheme://keyHash[:password]@hosts[:port]`. */
export interface ServerAddress extends Server {
  readonly scheme: ServerScheme
  readonly password?: string | undefined
}

const ADDRESS_START = /^(smp|ntf|xftp):\/\//
const PORT = /:(\d+)$/y
const PORT_TEXT = /^\d*$/

/** What {@link parseServerAddress} is to accept besides the general form. */
export interface AddressRules {
  /** The only scheme accepted; any when absent. */
  readonly scheme?: ServerScheme
  /** `refused` where an address stands for a server without access to it, as in queue addresses. */
  readonly password?: "refused"
}

/** Reads the string form (encoding.md §2.4). Throws `DecodeError`. */
export function parseServerAddress(text: string, rules: AddressRules = {}): ServerAddress {
  const start = ADDRESS_START.exec(text)
  if (start === null) throw new DecodeError("server address: unknown scheme")
  const scheme = start[1] as ServerScheme
  if (rules.scheme !== undefined && rules.scheme !== scheme) throw new DecodeError("server address: other scheme")

  const { bytes: keyHash, end: afterHash } = tokenBase64Url(text, start[0].length)
  // No character of a password is "@", so the first one ends it.
  const at = text.indexOf("@", afterHash)
  if (at < 0) throw new DecodeError("server address: no host")
  const password = parsePassword(text.slice(afterHash, at))
  if (password !== undefined && rules.password === "refused") throw new DecodeError("server address: has a password")

  const { hosts, end: afterHosts } = tokenHosts(text, at + 1)
  return { scheme, keyHash, password, hosts, port: parsePort(text, afterHosts) }
}

/**
 * The string form. An IPv6 host without brackets and a port cannot be told apart when the text is read again; avoid to
 * publish such addresses. Throws `EncodeError` when a part has no string form.
 */
export function formatServerAddress(address: ServerAddress): string {
  const { scheme, keyHash, password, hosts, port } = address
  if (keyHash.length === 0 || hosts.length === 0) throw new EncodeError("server address: incomplete")
  if (password === "" || !isPassword(password ?? "")) throw new EncodeError("server address: invalid password")
  if (!PORT_TEXT.test(port)) throw new EncodeError("server address: invalid port")
  const secret = password === undefined ? "" : `:${password}`
  return `${scheme}://${encodeBase64Url(keyHash)}${secret}@${hosts.join(",")}${port === "" ? "" : `:${port}`}`
}

/** String form for SMP client version 1: only the first host, no password. */
export function formatLegacyServerAddress(address: ServerAddress): string {
  return formatServerAddress({ ...address, password: undefined, hosts: address.hosts.slice(0, 1) })
}

/** Binary form, in `PRXY` and queue addresses: 1-byte count and hosts ‖ port ‖ key hash, all short strings. */
export function readServer(r: Reader): Server {
  const hosts = r.nonEmpty(readHost, "hosts")
  return { hosts, ...readPortAndHash(r) }
}

/** Counterpart of {@link readServer}. Throws `EncodeError` when there is no host or a part is too long. */
export function writeServer(w: Writer, server: Server): void {
  w.nonEmpty(server.hosts, writeHost)
  writePortAndHash(w, server)
}

/** Binary form for SMP client version 1: a single host without a count ‖ port ‖ key hash. */
export function readLegacyServer(r: Reader): Server {
  const host = readHost(r)
  return { hosts: [host], ...readPortAndHash(r) }
}

/** Counterpart of {@link readLegacyServer}; hosts after the first are left out. */
export function writeLegacyServer(w: Writer, server: Server): void {
  const [host = ""] = server.hosts
  writeHost(w, host)
  writePortAndHash(w, server)
}

function readPortAndHash(r: Reader): { port: string; keyHash: Uint8Array } {
  return { port: fromLatin1(r.short("port")), keyHash: r.short("key hash") }
}

function writePortAndHash(w: Writer, server: Server): void {
  w.short(latin1(server.port)).short(server.keyHash)
}

/** What stands between key hash and `@`: nothing, or a colon and at least one character. */
function parsePassword(text: string): string | undefined {
  if (text === "") return undefined
  const password = text.slice(1)
  if (!text.startsWith(":") || password === "" || !isPassword(password)) {
    throw new DecodeError("server address: invalid password")
  }
  return password
}

function tokenHosts(text: string, start: number): { hosts: string[]; end: number } {
  const first = tokenHost(text, start)
  const hosts = [first.host.text]
  let end = first.end
  while (text[end] === ",") {
    const next = tokenHost(text, end + 1)
    hosts.push(next.host.text)
    end = next.end
  }
  return { hosts, end }
}

/** The port at the end of an address, without leading zeros; empty where there is none. */
function parsePort(text: string, start: number): string {
  if (start === text.length) return ""
  PORT.lastIndex = start
  const port = Number(PORT.exec(text)?.[1] ?? Number.NaN)
  if (!Number.isSafeInteger(port)) throw new DecodeError("server address: invalid port")
  return String(port)
}
