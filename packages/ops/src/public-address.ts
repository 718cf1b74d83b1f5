import { BlockList, isIPv4, isIPv6 } from "node:net"

/**
 * Special-purpose IPv4 networks (IANA registry, RFC 6890): what is not an address of one machine of the public internet.
 */
const SPECIAL_IPV4: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8], // this network
  ["10.0.0.0", 8], // private
  ["100.64.0.0", 10], // shared by providers' NAT
  ["127.0.0.0", 8], // loopback
  ["169.254.0.0", 16], // link-local, where clouds keep their metadata
  ["172.16.0.0", 12], // private
  ["192.0.0.0", 24], // protocol assignments
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // 6to4 relays, retired
  ["192.168.0.0", 16], // private
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, broadcast
]

/** The one block from which public IPv6 addresses are given out, and the networks inside that are special. */
const GLOBAL_IPV6 = ["2000::", 3] as const
const SPECIAL_IPV6: readonly (readonly [network: string, prefix: number])[] = [
  ["2001::", 23], // protocol assignments, Teredo among them
  ["2001:db8::", 32], // documentation
  ["2002::", 16], // 6to4: any IPv4 address may hide in it
  ["3fff::", 20], // documentation
]

/** IPv6 addresses that stand for the IPv4 address in their last 32 bits: mapped ones, and those of NAT64 (RFC 6052). */
const EMBEDDING_IPV6 = [
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
] as const

const specialIpv4 = blockList(SPECIAL_IPV4, "ipv4")
const globalIpv6 = blockList([GLOBAL_IPV6], "ipv6")
const specialIpv6 = blockList(SPECIAL_IPV6, "ipv6")
const embeddingIpv6 = blockList(EMBEDDING_IPV6, "ipv6")

/**
 * Whether an IP address can belong to a machine on the public internet. Everything else is `false`: private, loopback,
 * link-local, multicast, documentation and reserved addresses, addresses with a zone, and texts that are no address.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !specialIpv4.check(address, "ipv4")
  if (!isIPv6(address) || address.includes("%")) return false
  if (embeddingIpv6.check(address, "ipv6")) return isPublicAddress(embeddedIpv4(address))
  return globalIpv6.check(address, "ipv6") && !specialIpv6.check(address, "ipv6")
}

/** The last 32 bits as a dotted text. A URL knows how to write any form of an address with hexadecimal groups. */
function embeddedIpv4(address: string): string {
  const { hostname } = new URL(`http://[${address}]/`)
  const groups = hostname.slice(1, -1).split(":")
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group === "" ? "0" : group, 16))
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

function blockList(networks: readonly (readonly [string, number])[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family)
  return list
}
