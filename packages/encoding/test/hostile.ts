import { expect } from "vitest"
import { DecodeError } from "../src/errors.ts"
import { Reader } from "../src/reader.ts"

/** The result of a decoder, or `undefined` when it refuses, which it may do with `DecodeError` only. */
export function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
    return undefined
  }
}

/**
 * Decodes `input` lying between two different surroundings and checks that they change nothing, that the reader stays
 * inside its bounds and that only `DecodeError` is thrown. Returns the result.
 */
export function decodedInside<T>(input: Uint8Array, read: (r: Reader) => T): T | undefined {
  const results = [0x00, 0x31, 0xff].map((byte) => {
    const around = new Uint8Array(input.length + 600).fill(byte)
    around.set(input, 300)
    const r = new Reader(around, 300, 300 + input.length)
    const value = decoded(() => read(r))
    expect(r.offset).toBeGreaterThanOrEqual(300)
    expect(r.remaining).toBeGreaterThanOrEqual(0)
    return { value, consumed: r.offset - 300 }
  })
  const [first] = results
  for (const result of results) expect(result).toEqual(first)
  return first?.value
}
