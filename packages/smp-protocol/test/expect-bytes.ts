import { fromHex, toHex } from "@sluice/encoding/bytes"
import { expect } from "vitest"
import { type BytesOutput, digest } from "./vector-values.ts"

/** The bytes in the form of the vector, so that a failure shows both. */
export function expectBytes(actual: Uint8Array, expected: BytesOutput, what?: string): void {
  if (typeof expected === "string") {
    // Hex of 16 KB in a diff helps nobody and costs seconds, so long values are compared by their digest.
    if (expected.length <= 4096) expect(toHex(actual), what).toBe(expected)
    else expect(digest(actual), what).toEqual(digest(fromHex(expected)))
    return
  }
  expect(digest(actual), what).toEqual(expected)
}
