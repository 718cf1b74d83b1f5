import type { Duplex } from "node:stream"
import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Server } from "@sluice/encoding/server-address"
import { type ConnectStage, SmpClientError } from "./client-error.ts"
import { type Clock, systemClock } from "./clock.ts"
import { connectError } from "./connect-error.ts"
import { type Dial, tcpDial } from "./dial.ts"

/** Who waits for an answer: a person, or a program that has time. Only chooses default time-outs. */
export type Patience = "interactive" | "background"

/** Time-outs of transport.md §2.6, ms. */
export const TIMEOUTS: Readonly<Record<Patience, { readonly connectMs: number; readonly commandMs: number }>> = {
  interactive: { connectMs: 15_000, commandMs: 10_000 },
  background: { connectMs: 45_000, commandMs: 30_000 },
}

/** How a server of any protocol is reached. Every option has a default. */
export interface ReachOptions {
  readonly crypto?: CryptoBackend | undefined
  readonly clock?: Clock | undefined
  /** Default `background`. */
  readonly patience?: Patience | undefined
  /** Time for all of it: dialing every host, TLS, hello. Default by `patience`. */
  readonly connectTimeoutMs?: number | undefined
  /** Default TCP with the keep-alive settings of the reference; refuses onion hosts. */
  readonly dial?: Dial | undefined
  /** ALPN names to offer; default that of the protocol. */
  readonly protocols?: readonly string[] | undefined
  /** Gives up; the attempt rejects with its reason. Has no effect on a connection that was made. */
  readonly signal?: AbortSignal | undefined
}

/** One host that was dialed. */
export interface Attempt {
  readonly socket: Duplex
  readonly host: string
  readonly signal: AbortSignal
  /** What is left of the time, ms. */
  readonly timeoutMs: number
}

/**
 * Tries the hosts of an address in order until `over` succeeds on one. Rejects with `SmpClientError` CONNECT or TRANSPORT.
 * A wrong identity or a refused hello ends the search: all hosts of an address are the same server.
 * @param defaultPort for addresses without one
 */
export async function reach<C>(
  server: Server,
  defaultPort: number,
  options: ReachOptions,
  over: (attempt: Attempt) => Promise<C>,
): Promise<C> {
  const { clock = systemClock, signal } = options
  const deadline = clock.now() + (options.connectTimeoutMs ?? TIMEOUTS[options.patience ?? "background"].connectMs)
  const port = server.port === "" ? defaultPort : Number(server.port)
  let failure = new SmpClientError({ code: "CONNECT", stage: "DIAL" })
  for (const [index, host] of server.hosts.entries()) {
    // One host that swallows packets must not use up the time of the others.
    const timeoutMs = (deadline - clock.now()) / (server.hosts.length - index)
    try {
      return await reachHost({ host, port, timeoutMs }, options, over)
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (!(error instanceof SmpClientError)) throw error
      failure = error
      if (!error.network) break
    }
  }
  throw failure
}

async function reachHost<C>(
  { host, port, timeoutMs }: { readonly host: string; readonly port: number; readonly timeoutMs: number },
  options: ReachOptions,
  over: (attempt: Attempt) => Promise<C>,
): Promise<C> {
  const { clock = systemClock, signal: outer } = options
  outer?.throwIfAborted()
  const timeout = new AbortController()
  const cancel = clock.after(timeoutMs, () => timeout.abort())
  const signal = outer === undefined ? timeout.signal : AbortSignal.any([timeout.signal, outer])
  let stage: ConnectStage = "DIAL"
  try {
    const socket = await (options.dial ?? tcpDial())({ host, port }, signal)
    stage = "TLS"
    return await over({ socket, host, signal, timeoutMs })
  } catch (error) {
    throw connectError(error, timeout.signal.aborted ? "TIMEOUT" : stage)
  } finally {
    cancel()
  }
}
