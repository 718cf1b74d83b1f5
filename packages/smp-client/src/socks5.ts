import type { Duplex } from "node:stream"
import { concatBytes, latin1 } from "@sluice/encoding/bytes"
import type { Dial, DialTarget } from "./dial.ts"

/** A SOCKS 5 proxy, e.g. Tor. */
export interface Socks5Options {
  readonly proxy: DialTarget
  /** Opens the connection to the proxy itself. */
  readonly dial: Dial
  /**
   * User name and password, each 1 to 255 bytes in Latin-1. Tor keeps circuits of different credentials apart, so a
   * caller that wants a circuit of its own gives random ones. Absent: no authentication.
   */
  readonly credentials?: { readonly user: string; readonly password: string } | undefined
}

/** The proxy refused or broke off; `code` is its reply code (RFC 1928 §6) or 0. Its text names no host. */
export class Socks5Error extends Error {
  override readonly name = "Socks5Error"
  readonly code: number

  constructor(message: string, code = 0) {
    super(message)
    this.code = code
  }
}

const VERSION = 5
const NO_AUTHENTICATION = 0
const USER_PASSWORD = 2
const CONNECT = 1
const ADDRESS_BYTES = { ipv4: 1, domain: 3, ipv6: 4 } as const

/**
 * Dials through a SOCKS 5 proxy (RFC 1928, RFC 1929). Host names are never looked up here: they go to the proxy, which
 * is what makes `.onion` names work and keeps other look-ups private. Addresses travel as text, too, which every proxy
 * in use takes; so one form of request is enough.
 */
export function socks5Dial({ proxy, dial, credentials }: Socks5Options): Dial {
  return async (target, signal) => {
    const stream = await dial(proxy, signal)
    const onAbort = (): void => void stream.destroy(signal.reason)
    signal.addEventListener("abort", onAbort, { once: true })
    try {
      await negotiate(stream, target, credentials)
      return stream
    } catch (error) {
      stream.on("error", () => undefined).destroy()
      throw error
    } finally {
      signal.removeEventListener("abort", onAbort)
    }
  }
}

async function negotiate(stream: Duplex, target: DialTarget, credentials: Socks5Options["credentials"]): Promise<void> {
  const method = credentials === undefined ? NO_AUTHENTICATION : USER_PASSWORD
  stream.write(Uint8Array.of(VERSION, 1, method))
  const [version, chosen] = await take(stream, 2)
  if (version !== VERSION || chosen !== method) throw new Socks5Error("SOCKS proxy refused the authentication method")

  if (credentials !== undefined) {
    stream.write(concatBytes(Uint8Array.of(1), text(credentials.user), text(credentials.password)))
    const [, status] = await take(stream, 2)
    if (status !== 0) throw new Socks5Error("SOCKS proxy refused the credentials")
  }

  const port = Uint8Array.of(target.port >> 8, target.port & 0xff)
  stream.write(concatBytes(Uint8Array.of(VERSION, CONNECT, 0, ADDRESS_BYTES.domain), text(target.host), port))
  const [replyVersion, reply, , type] = await take(stream, 4)
  if (replyVersion !== VERSION) throw new Socks5Error("SOCKS proxy answered in another protocol")
  if (reply !== 0) throw new Socks5Error("SOCKS proxy could not connect", reply)
  // The bound address is of no use, but it has to be read to its end: TLS starts with the next byte.
  await take(stream, (await boundAddressLength(stream, type)) + 2)
}

async function boundAddressLength(stream: Duplex, type: number | undefined): Promise<number> {
  switch (type) {
    case ADDRESS_BYTES.ipv4:
      return 4
    case ADDRESS_BYTES.ipv6:
      return 16
    case ADDRESS_BYTES.domain:
      return (await take(stream, 1))[0] ?? 0
    default:
      throw new Socks5Error("SOCKS proxy answered with an unknown address type")
  }
}

/** One length byte, then the text. */
function text(value: string): Uint8Array {
  const bytes = latin1(value)
  if (bytes.length === 0 || bytes.length > 255) throw new Socks5Error("SOCKS: a name must have 1 to 255 bytes")
  return concatBytes(Uint8Array.of(bytes.length), bytes)
}

/** Exactly `length` bytes; what follows them stays in the stream. */
function take(stream: Duplex, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const settle = (run: () => void): void => {
      stream.off("readable", onReadable).off("error", onError).off("close", onClose).off("end", onClose)
      run()
    }
    const onReadable = (): void => {
      const bytes: Uint8Array | null = stream.read(length)
      // at the end of the stream `read` hands out what is left, even if that is less
      if (bytes !== null && bytes.length === length) settle(() => resolve(bytes))
      else if (bytes !== null) onClose()
    }
    const onError = (error: Error): void => settle(() => reject(error))
    const onClose = (): void => settle(() => reject(new Socks5Error("SOCKS proxy closed the connection")))
    stream.on("readable", onReadable).on("error", onError).on("close", onClose).on("end", onClose)
    onReadable()
  })
}
