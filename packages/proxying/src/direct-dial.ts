import { connect, isIP, type LookupFunction, type Socket } from "node:net"
import { isPublicAddress } from "@sluice/ops/public-address"
import { type Resolve, resolveByDns } from "@sluice/ops/resolve-by-dns"
import { type Dial, type DialTarget, tcpDial } from "@sluice/smp-client/dial"
import { DEFAULT_KEEP_ALIVE, tuneTcp } from "@sluice/transport/tls-client"

/** How {@link directDial} connects. */
export interface DirectDialOptions {
  /** Also to addresses that are not on the public internet. */
  readonly allowPrivate: boolean
  /** Default {@link resolveByDns}. Not used where private addresses are allowed. */
  readonly resolve?: Resolve | undefined
  /** Which addresses may be connected to; default {@link isPublicAddress}. For tests, which have no public ones. */
  readonly isAllowed?: ((address: string) => boolean) | undefined
}

/** A host leads to no address that may be connected to. Its text names none of them. */
export class RefusedAddressError extends Error {
  override readonly name = "RefusedAddressError"

  constructor() {
    super("the host leads to no address that the proxy connects to")
  }
}

/**
 * Dials by TCP, and only addresses that are allowed. What is judged is what is connected to: the name is looked up here,
 * once, and the system is given addresses, so that a name that changes its answer gets nowhere. Tries IPv6 and IPv4 in
 * turn (RFC 8305).
 *
 * With `allowPrivate` names are left to the system, its hosts file included.
 */
export function directDial(options: DirectDialOptions): Dial {
  if (options.allowPrivate) return tcpDial()
  const { resolve = resolveByDns, isAllowed = isPublicAddress } = options
  return async ({ host, port }, signal) => {
    signal.throwIfAborted()
    const addresses = isIP(host) !== 0 ? [host] : await resolve(host, signal)
    signal.throwIfAborted()
    const allowed = addresses.filter(isAllowed)
    if (allowed.length === 0) throw new RefusedAddressError()
    const socket = await dial({ host, port, lookup: fixedLookup(allowed) }, signal)
    // The system was given nothing else; that it did nothing else is worth one comparison.
    if (socket.remoteAddress !== undefined && isAllowed(socket.remoteAddress)) return socket
    socket.destroy()
    throw new RefusedAddressError()
  }
}

function dial(target: DialTarget & { readonly lookup: LookupFunction }, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, autoSelectFamily: true })
    const settle = (run: () => void): void => {
      signal.removeEventListener("abort", abort)
      socket.removeAllListeners("error")
      run()
    }
    const abort = (): void =>
      settle(() => {
        socket.on("error", ignore).destroy()
        reject(signal.reason)
      })
    signal.addEventListener("abort", abort, { once: true })
    socket.once("error", (error) => settle(() => reject(error)))
    socket.once("connect", () => {
      tuneTcp(socket, DEFAULT_KEEP_ALIVE)
      settle(() => resolve(socket))
    })
  })
}

function fixedLookup(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_name, _options, done) => done(null, found)
}

function ignore(): void {
  // the socket is being given up: what it has to say no longer matters
}
