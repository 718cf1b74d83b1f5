/** Big-endian unsigned numbers of more than 32 bits, which `number` holds exactly. Callers guarantee range and room. */

const U32 = 0x1_0000_0000

export function readU40(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * U32 + readU32(bytes, at + 1)
}

export function readU48(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) * U32 + readU32(bytes, at + 2)
}

export function writeU40(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value / U32
  writeU32(bytes, at + 1, value)
}

export function writeU48(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / U32)
  bytes[at] = high >>> 8
  bytes[at + 1] = high
  writeU32(bytes, at + 2, value)
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) * 0x100_0000 +
    (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  )
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
