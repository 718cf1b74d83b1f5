import { isIP } from "node:net"

/** What a balancer writes in front of a connection: the PROXY protocol, versions 1 and 2. */
export type ProxyHeader =
  /** Not complete: more bytes are needed. */
  | { readonly state: "incomplete" }
  /** Not a header, or one that is not allowed. */
  | { readonly state: "invalid" }
  | {
      readonly state: "complete"
      /** Bytes of the header; what follows is the client's. */
      readonly length: number
      /** The client's IP address; absent when the balancer speaks for itself (a health check) or does not know. */
      readonly source?: string
    }

/** Longest line of version 1, with its end. */
const LINE_LIMIT = 107
/** Bytes of a header of version 2 at most, additional fields included; the format allows 65,551. */
const BINARY_LIMIT = 2048
const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
const FIXED = 16
const LINE_START = new TextEncoder().encode("PROXY ")
const INCOMPLETE = { state: "incomplete" } as const
const INVALID = { state: "invalid" } as const

/** Reads a header from the first bytes of a connection. Total: any bytes have a result. */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (startsLike(bytes, SIGNATURE)) return parseBinary(bytes)
  return startsLike(bytes, LINE_START) ? parseLine(bytes) : INVALID
}

/** Version 1: `PROXY TCP4 192.0.2.1 198.51.100.2 56324 5223\r\n`. */
function parseLine(bytes: Uint8Array): ProxyHeader {
  const end = bytes.subarray(0, LINE_LIMIT).indexOf(0x0a)
  if (end < 0) return bytes.length < LINE_LIMIT ? INCOMPLETE : INVALID
  const line = String.fromCharCode(...bytes.subarray(0, end + 1))
  const [, protocol, source = "", destination = "", ...ports] = line.slice(0, -2).split(" ")
  if (!line.endsWith("\r\n")) return INVALID
  const length = end + 1
  if (protocol === "UNKNOWN") return { state: "complete", length }
  const family = protocol === "TCP4" ? 4 : protocol === "TCP6" ? 6 : undefined
  const addresses = isIP(source) === family && isIP(destination) === family
  if (family === undefined || !addresses || ports.length !== 2 || !ports.every(isPort)) return INVALID
  return { state: "complete", length, source }
}

/** Version 2: 12 bytes of signature, version and command, family and transport, u16 length, addresses, more fields. */
function parseBinary(bytes: Uint8Array): ProxyHeader {
  if (bytes.length < FIXED) return INCOMPLETE
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const [versionAndCommand, family] = [view.getUint8(12), view.getUint8(13)]
  const length = FIXED + view.getUint16(14)
  const local = versionAndCommand === 0x20
  if ((!local && versionAndCommand !== 0x21) || length > BINARY_LIMIT) return INVALID
  if (bytes.length < length) return INCOMPLETE
  if (local || family === 0x00) return { state: "complete", length }
  const size = family === 0x11 ? 4 : family === 0x21 ? 16 : undefined
  // Two addresses and two ports; only streams over IP are what this port is for.
  if (size === undefined || length < FIXED + 2 * size + 4) return INVALID
  return { state: "complete", length, source: addressOf(bytes.subarray(FIXED, FIXED + size)) }
}

/** How balancers that listen on IPv6 for both families write an IPv4 address. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

function addressOf(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".")
  if (MAPPED.every((byte, i) => bytes[i] === byte)) return bytes.subarray(MAPPED.length).join(".")
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  return groups.join(":")
}

function startsLike(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.subarray(0, start.length).every((byte, i) => byte === start[i])
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}
