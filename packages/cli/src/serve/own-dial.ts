import { BlockList, isIP, isIPv6 } from "node:net"
import type { Network } from "@sluice/ops/network"
import { type Dial, tcpDial } from "@sluice/smp-client/dial"

/** What a balancer says in front of a connection that it makes for itself (PROXY protocol, version 1). */
const NO_SOURCE = "PROXY UNKNOWN\r\n"

/**
 * Dials a relay within its own machine. Where that machine is also a balancer's, the relay takes nothing from there that
 * does not begin with a PROXY header, so there is one.
 */
export function ownDial(balancers: readonly Network[]): Dial {
  const trusted = new BlockList()
  for (const { address, prefix } of balancers) trusted.addSubnet(address, prefix, isIPv6(address) ? "ipv6" : "ipv4")
  const dial = tcpDial()
  return async (target, signal) => {
    const stream = await dial(target, signal)
    // The host is an address that the relay listens on, or a name for one.
    const host = isIP(target.host) === 0 ? "127.0.0.1" : target.host
    if (trusted.check(host, isIPv6(host) ? "ipv6" : "ipv4")) stream.write(NO_SOURCE)
    return stream
  }
}
