import { nativeCrypto } from "@sluice/crypto/native"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { expect } from "vitest"
import { vectors } from "../../../test/vectors.ts"

/** Text in hex, or a run of one byte. */
export type BytesInput = string | { readonly repeat: string; readonly length: number }
/** Text in hex, or what is known of long output. */
export type BytesOutput = string | { readonly length: number; readonly sha256: string; readonly first: string }

export function bytes(input: BytesInput): Uint8Array {
  if (typeof input === "string") return fromHex(input)
  return new Uint8Array(input.length).fill(Number.parseInt(input.repeat, 16))
}

export function expectBytes(actual: Uint8Array, expected: BytesOutput): void {
  if (typeof expected === "string") {
    expect(toHex(actual)).toBe(expected)
    return
  }
  expect(actual.length).toBe(expected.length)
  expect(toHex(nativeCrypto.sha256(actual))).toBe(expected.sha256)
}

/** All cases of an array of `agent.json`; none where the files are absent. An array that is there is not empty. */
export function agentVectors<T>(name: string): T[] {
  const file = vectors<Record<string, T[]>>("agent.json")
  if (file === undefined) return []
  const cases = file[name]
  if (cases === undefined || cases.length === 0) throw new Error(`agent.json has no ${name}`)
  return cases
}

/** A test name for each case, in which nothing is taken for a format. */
export function named<T extends { readonly name: string }>(cases: readonly T[]): [string, T][] {
  return cases.map((one, n) => [`${n} ${one.name}`, one])
}
