import { isIP } from "node:net"

/** An IP network: an address and how many of its first bits count. */
export interface Network {
  readonly address: string
  readonly prefix: number
}

/** Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address. `undefined` for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", bits, ...rest] = text.split("/")
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return undefined
  const longest = family === 4 ? 32 : 128
  if (bits === undefined) return { address, prefix: longest }
  const prefix = /^(0|[1-9]\d{0,2})$/.test(bits) ? Number(bits) : Number.NaN
  return prefix <= longest ? { address, prefix } : undefined
}

/** The written form, always with its prefix. */
export function formatNetwork({ address, prefix }: Network): string {
  return `${address}/${prefix}`
}
