import { connect } from "node:net"
import type { Duplex } from "node:stream"
import { DEFAULT_KEEP_ALIVE, type KeepAlive, tuneTcp } from "@sluice/transport/tls-client"

/** One end of a TCP connection to make. */
export interface DialTarget {
  /** Name or address, an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * Opens a byte stream to a host: TCP, a SOCKS proxy, or a pair of streams in a test. It must give up and destroy what
 * it has when the signal is aborted, and reject with any error when the host cannot be reached.
 */
export type Dial = (target: DialTarget, signal: AbortSignal) => Promise<Duplex>

/** A name that only the Tor network resolves: asking the DNS for it would tell everybody on the way. */
const ONION = /\.onion$/i

/**
 * Dials by TCP. Node tries all addresses of a name, IPv6 and IPv4 in turn, 250 ms apart (RFC 8305). `keepAlive` false
 * turns the probes off. Onion names are refused.
 */
export function tcpDial(keepAlive: KeepAlive | false = DEFAULT_KEEP_ALIVE): Dial {
  return ({ host, port }, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      if (ONION.test(host)) return reject(new TypeError("onion hosts need a SOCKS proxy"))
      const socket = connect({ host, port, autoSelectFamily: true })
      const done = (settle: () => void): void => {
        signal.removeEventListener("abort", onAbort)
        socket.removeAllListeners("error")
        settle()
      }
      const onAbort = (): void => {
        done(() => reject(signal.reason))
        socket.on("error", ignore).destroy()
      }
      signal.addEventListener("abort", onAbort, { once: true })
      socket.once("error", (error) => done(() => reject(error)))
      socket.once("connect", () => {
        tuneTcp(socket, keepAlive)
        done(() => resolve(socket))
      })
    })
}

function ignore(): void {
  // the socket is being given up: what it has to say no longer matters
}
