import { lookup } from "node:dns/promises"
import { BlockList, isIP } from "node:net"
import type { Dial } from "@sluice/smp-client/dial"

/** The address of a relay is one that this server does not connect to. */
export class RefusedAddress extends Error {
  override readonly name = "RefusedAddress"

  constructor() {
    super("the address is none that is connected to")
  }
}

const PRIVATE_4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"],
]
const PRIVATE_6 = ["::/127", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8"]

/** A name that only the Tor network resolves. */
const ONION = /\.onion$/i

const blocked = blockList()

/** Whether the address (text of an IPv4 or IPv6 address) belongs to this machine or a private network. */
export function isPrivateAddress(address: string): boolean {
  return blocked.check(address, isIP(address) === 6 ? "ipv6" : "ipv4")
}

/** How relays may be dialed. */
export interface GuardOptions {
  /** Whether addresses of this machine and of private networks are connected to, too. */
  readonly allowPrivate: boolean
  /** Called for each host that may be connected to now or later; the others are refused for good. */
  readonly onUsable: () => void
}

/**
 * Dials, but not into this machine or its private networks: which relay to connect to is said by clients, and a name may
 * resolve to anything. The address that was checked is the one that is connected to. Onion names are refused before anybody
 * is asked for them. Rejects with {@link RefusedAddress}.
 */
export function guardedDial(dial: Dial, { allowPrivate, onUsable }: GuardOptions): Dial {
  return async ({ host, port }, signal) => {
    if (ONION.test(host)) throw new RefusedAddress()
    if (allowPrivate) {
      onUsable()
      return dial({ host, port }, signal)
    }
    const allowed = (await addressesOf(host, onUsable)).filter((address) => !isPrivateAddress(address))
    signal.throwIfAborted()
    if (allowed.length > 0) onUsable()
    let failure: unknown = new RefusedAddress()
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

/** A name that cannot be looked up now may well be one to connect to later. */
async function addressesOf(host: string, onFailure: () => void): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  try {
    return (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)
  } catch (error) {
    onFailure()
    throw error
  }
}

function blockList(): BlockList {
  const list = new BlockList()
  for (const range of PRIVATE_4) addRange(list, range, "ipv4")
  for (const range of PRIVATE_6) addRange(list, range, "ipv6")
  return list
}

function addRange(list: BlockList, range: string, family: "ipv4" | "ipv6"): void {
  const [network = "", bits = ""] = range.split("/")
  list.addSubnet(network, Number(bits), family)
}
