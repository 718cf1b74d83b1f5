import { fromLatin1, latin1 } from "./bytes.ts"
import { DecodeError, EncodeError } from "./errors.ts"
import { formatIpv6, parseIpv6 } from "./ipv6.ts"
import type { Reader } from "./reader.ts"
import type { Writer } from "./writer.ts"

/** A transport host (encoding.md §2.3). */
export interface Host {
  readonly kind: "ipv4" | "ipv6" | "onion" | "domain"
  /** Normalised text, characters U+0000..U+00FF. IPv6 is without brackets. */
  readonly text: string
}

/** A host found inside a longer text, and the position after it. */
interface Found {
  readonly host: Host
  readonly end: number
}

// Sticky expressions, tried at one position of a longer text.
const IPV4 = /(\d+)\.(\d+)\.(\d+)\.(\d+)/y
const IPV6 = /[0-9A-Fa-f:]+/y
const BRACKETED = /\[([^\]]*)\]/y
const ONION = /[a-z0-9]*\.onion/y
const DOMAIN = /[^:#,;/ \n\r\t[\]\u0100-\uffff]+/y

/** Reads a host that is the whole text. Throws `DecodeError`. */
export function parseHost(text: string): Host {
  const { host, end } = tokenHost(text, 0)
  if (end !== text.length) throw new DecodeError("host: unexpected characters after it")
  return host
}

/**
 * The host at `start` of a longer text. The first form that matches there wins: IPv4, IPv6, onion, domain name. Whether
 * what follows is allowed is for the caller to say.
 */
export function tokenHost(text: string, start: number): { host: Host; end: number } {
  const found = ipv4At(text, start) ?? ipv6At(text, start) ?? onionAt(text, start) ?? domainAt(text, start)
  if (found === undefined) throw new DecodeError("host: not a host")
  return found
}

/** Short string holding the text of a host, which must be a host as a whole. Gives its normalised text. */
export function readHost(r: Reader, field: string = "host"): string {
  return parseHost(fromLatin1(r.short(field))).text
}

/** Counterpart of {@link readHost}; the text is written as it is. */
export function writeHost(w: Writer, host: string): void {
  if (host === "") throw new EncodeError("host: empty")
  w.short(latin1(host))
}

function ipv4At(text: string, start: number): Found | undefined {
  const match = matchAt(IPV4, text, start)
  if (match === undefined) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = match.slice(1).map(Number)
  // A domain name can begin like this. The last number decides nothing in the reference, which reduces it modulo 256;
  // connecting to another address than the one written would be worse than refusing it.
  if (Math.max(a, b, c) > 255) return undefined
  if (d > 255) throw new DecodeError("host: number above 255 in an IPv4 address")
  return { host: { kind: "ipv4", text: `${a}.${b}.${c}.${d}` }, end: start + match[0].length }
}

function ipv6At(text: string, start: number): Found | undefined {
  const bracketed = matchAt(BRACKETED, text, start)
  const match = bracketed ?? matchAt(IPV6, text, start)
  const address = parseIpv6(bracketed?.[1] ?? match?.[0] ?? "")
  if (match === undefined || address === undefined) return undefined
  return { host: { kind: "ipv6", text: formatIpv6(address) }, end: start + match[0].length }
}

function onionAt(text: string, start: number): Found | undefined {
  const match = matchAt(ONION, text, start)
  return match && { host: { kind: "onion", text: match[0] }, end: start + match[0].length }
}

function domainAt(text: string, start: number): Found | undefined {
  const match = matchAt(DOMAIN, text, start)
  if (match === undefined || match[0].endsWith(".onion")) return undefined
  return { host: { kind: "domain", text: match[0] }, end: start + match[0].length }
}

function matchAt(form: RegExp, text: string, start: number): RegExpExecArray | undefined {
  form.lastIndex = start
  return form.exec(text) ?? undefined
}
