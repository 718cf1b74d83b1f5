import fc from "fast-check"
import { expect, it } from "vitest"
import { DecodeError, EncodeError } from "./errors.ts"
import { type Letters, readLetter, writeLetter } from "./letters.ts"
import { decodeWhole } from "./reader.ts"
import { encodeWith } from "./writer.ts"

type Mode = "subscribe" | "create-only"
const MODES: Letters<Mode> = { S: "subscribe", C: "create-only" }

it("knows exactly its letters", () => {
  fc.assert(
    fc.property(fc.nat(255), (byte) => {
      const decode = () => decodeWhole(Uint8Array.of(byte), (r) => readLetter(r, MODES, "mode"))
      const value = MODES[String.fromCharCode(byte)]
      if (value === undefined) expect(decode).toThrow(DecodeError)
      else expect(decode()).toBe(value)
    }),
    { numRuns: 300 },
  )
  for (const mode of ["subscribe", "create-only"] as const) {
    const bytes = encodeWith((w) => writeLetter(w, MODES, mode))
    expect(decodeWhole(bytes, (r) => readLetter(r, MODES, "mode"))).toBe(mode)
  }
})

it("refuses values without a letter", () => {
  expect(() => encodeWith((w) => writeLetter<string>(w, MODES, "other"))).toThrow(EncodeError)
})
