import { hexDigit } from "./bytes.ts"

/** The eight 16-bit groups of an address. */
export type Ipv6 = readonly number[]

const GROUPS = 8
const DOTTED = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

/**
 * Reads the text forms of RFC 4291 §2.2: groups of 1 to 4 hexadecimal digits, one `::` for one or more groups of zeros,
 * and the last two groups possibly in dotted form. `undefined` when the text is no address; zones are not known.
 */
export function parseIpv6(text: string): Ipv6 | undefined {
  const gap = text.indexOf("::")
  if (gap < 0) {
    const groups = parseGroups(text)
    return groups?.length === GROUPS ? groups : undefined
  }
  const left = text.slice(0, gap)
  // Dotted form is the end of an address, so there is none before the gap.
  const before = left.includes(".") ? undefined : parseGroups(left)
  const after = parseGroups(text.slice(gap + 2))
  if (before === undefined || after === undefined) return undefined
  const zeros = GROUPS - before.length - after.length
  return zeros < 1 ? undefined : [...before, ...new Array<number>(zeros).fill(0), ...after]
}

/**
 * Text of an address, close to RFC 5952: lower case, no leading zeros, `::` for the first of the longest runs of two or
 * more zero groups. Mapped (::ffff:0:0/96) and compatible (::/96) addresses end in dotted form, the latter only from
 * ::0.1.0.0 up, so that `::` and `::1` stay as they are (encoding.md §2.3).
 */
export function formatIpv6(address: Ipv6): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, high = 0, low = 0] = address
  if ((a | b | c | d | e) === 0) {
    if (f === 0xffff) return `::ffff:${formatDotted(high, low)}`
    if (f === 0 && high !== 0) return `::${formatDotted(high, low)}`
  }
  const { start, length } = longestZeros(address)
  if (length < 2) return formatGroups(address)
  return `${formatGroups(address.slice(0, start))}::${formatGroups(address.slice(start + length))}`
}

function parseGroups(text: string): number[] | undefined {
  if (text === "") return []
  const parts = text.split(":", GROUPS + 1)
  const groups: number[] = []
  for (const [i, part] of parts.entries()) {
    const dotted = i === parts.length - 1 ? DOTTED.exec(part) : null
    if (dotted !== null) {
      const [p = 0, q = 0, r = 0, s = 0] = dotted.slice(1).map(Number)
      if (Math.max(p, q, r, s) > 255) return undefined
      groups.push(p * 256 + q, r * 256 + s)
    } else {
      const group = parseGroup(part)
      if (group === undefined) return undefined
      groups.push(group)
    }
  }
  return groups
}

function parseGroup(text: string): number | undefined {
  if (text.length < 1 || text.length > 4) return undefined
  let value = 0
  for (let i = 0; i < text.length; i++) value = value * 16 + hexDigit(text.charCodeAt(i))
  return Number.isNaN(value) ? undefined : value
}

function longestZeros(address: Ipv6): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let length = 0
  for (const [i, group] of address.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > best.length) best = { start: i + 1 - length, length }
  }
  return best
}

function formatGroups(groups: Ipv6): string {
  return groups.map((group) => group.toString(16)).join(":")
}

function formatDotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}
