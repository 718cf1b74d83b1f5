import { isIP } from "node:net"
import { isPublicAddress } from "@sluice/ops/public-address"
import { type Resolve, resolveByDns } from "@sluice/ops/resolve-by-dns"
import type { Dial } from "@sluice/smp-client/dial"

/** The address of a relay is one that this server does not connect to. */
export class RefusedAddress extends Error {
  override readonly name = "RefusedAddress"

  constructor() {
    super("the address is none that is connected to")
  }
}

/** A name that only the Tor network resolves. */
const ONION = /\.onion\.?$/i
/** Names that stand for this machine whatever a resolver says (RFC 6761 §6.3). */
const LOCAL = /(^|\.)localhost\.?$/i

/** How relays may be dialed. */
export interface GuardOptions {
  /** Whether addresses of this machine and of private networks are connected to, too. */
  readonly allowPrivate: boolean
  /** Called for each host that may be connected to now or later; the others are refused for good. */
  readonly onUsable: () => void
  /** Default {@link resolveByDns}, which strangers' names cannot keep the threads of this process busy with. */
  readonly resolve?: Resolve | undefined
}

/**
 * Dials public addresses only, not this machine or its private networks: which relay to connect to is said by clients, and
 * a name may resolve to anything. The address that was checked is the one that is connected to. Onion names are refused
 * before anybody is asked for them. Rejects with {@link RefusedAddress}.
 */
export function guardedDial(dial: Dial, { allowPrivate, onUsable, resolve = resolveByDns }: GuardOptions): Dial {
  return async ({ host, port }, signal) => {
    if (ONION.test(host)) throw new RefusedAddress()
    if (allowPrivate) {
      onUsable()
      return dial({ host, port }, signal)
    }
    if (LOCAL.test(host)) throw new RefusedAddress()
    const addresses = isIP(host) === 0 ? await resolve(host, signal) : [host]
    signal.throwIfAborted()
    const allowed = addresses.filter(isPublicAddress)
    // A name that cannot be looked up now may well be one to connect to later.
    if (allowed.length > 0 || addresses.length === 0) onUsable()
    let failure: unknown = addresses.length === 0 ? new Error("the name leads nowhere") : new RefusedAddress()
    for (const address of allowed) {
      try {
        return await dial({ host: address, port }, signal)
      } catch (error) {
        signal.throwIfAborted()
        failure = error
      }
    }
    throw failure
  }
}
