import { createHash } from "node:crypto"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { expect } from "vitest"

/** Bytes in a vector file: hex, or one byte repeated. */
export type BytesValue = string | { readonly repeat: string; readonly length: number }

/** Expected output in a vector file: hex, or its length, SHA-256 and first 48 bytes. */
export type OutputValue = string | { readonly length: number; readonly sha256: string; readonly first: string }

/** Key pair in a vector file: DER forms, and raw forms where given. */
export interface KeyValue {
  readonly pub: string
  readonly priv: string
}

export function bytesOf(value: BytesValue): Uint8Array {
  if (typeof value === "string") return fromHex(value)
  return new Uint8Array(value.length).fill(Number.parseInt(value.repeat, 16))
}

export function expectBytes(actual: Uint8Array, expected: OutputValue): void {
  if (typeof expected === "string") {
    expect(toHex(actual)).toBe(expected)
  } else {
    expect(actual.length).toBe(expected.length)
    expect(toHex(actual.subarray(0, 48))).toBe(expected.first)
    expect(createHash("sha256").update(actual).digest("hex")).toBe(expected.sha256)
  }
}

/** The same bytes with one bit of the byte at `at` (counted from the end if negative) changed. */
export function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(bytes)
  const index = at < 0 ? copy.length + at : at
  copy[index] = (copy[index] ?? 0) ^ 1
  return copy
}

/** The rows of one array of a vector file; an absent or empty array is a failure, not a pass. */
export function rows<T>(file: Record<string, unknown> | undefined, name: string): readonly T[] {
  if (file === undefined) return []
  const found = file[name]
  if (!Array.isArray(found) || found.length === 0) throw new Error(`vectors: no ${name}`)
  return found as T[]
}
