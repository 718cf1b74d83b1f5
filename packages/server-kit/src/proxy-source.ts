import { BlockList, isIPv6, type Socket } from "node:net"
import type { Network } from "@sluice/ops/network"
import { parseProxyHeader } from "./proxy-header.ts"
import type { SourceProvider } from "./server-options.ts"

/**
 * Sources of connections behind balancers. A connection from one of these networks begins with a PROXY header, and is
 * closed if it doesn't; any other is its own source, and what it sends is never taken for a header.
 */
export function sourceBehind(balancers: readonly Network[]): SourceProvider {
  if (balancers.length === 0) return ({ remoteAddress }) => remoteAddress
  const trusted = new BlockList()
  for (const { address, prefix } of balancers) trusted.addSubnet(address, prefix, isIPv6(address) ? "ipv6" : "ipv4")
  return (socket) => {
    const { remoteAddress } = socket
    if (remoteAddress === undefined) return undefined
    // IPv4 that comes mapped into IPv6 is found under its IPv4 networks, too.
    const balancer = trusted.check(remoteAddress, isIPv6(remoteAddress) ? "ipv6" : "ipv4")
    return balancer ? readSource(socket) : remoteAddress
  }
}

/** Takes the header off a paused socket; what follows it stays there. Rejects when there is none. */
function readSource(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let seen: Uint8Array = new Uint8Array(0)
    const settle = (result: string | undefined | Error): void => {
      socket.off("readable", read).off("end", ended).off("close", ended)
      if (result instanceof Error) reject(result)
      else resolve(result)
    }
    const ended = (): void => settle(new Error("the connection ended before its PROXY header"))
    const read = (): void => {
      const chunk: Uint8Array | null = socket.read()
      if (chunk === null) return
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
      const header = parseProxyHeader(seen)
      if (header.state === "incomplete") return
      if (header.state === "invalid") {
        settle(new Error("the connection has no valid PROXY header"))
        return
      }
      settle(header.source)
      if (header.length < seen.length) socket.unshift(seen.subarray(header.length))
    }
    socket.on("readable", read).on("end", ended).on("close", ended)
  })
}
