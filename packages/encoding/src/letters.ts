import { DecodeError, EncodeError } from "./errors.ts"
import type { Reader } from "./reader.ts"
import type { Writer } from "./writer.ts"

/** An enumeration that is one ASCII letter on the wire: its values by letter. */
export type Letters<T extends string> = Readonly<Record<string, T>>

/** One byte; letters without a value are refused. */
export function readLetter<T extends string>(r: Reader, letters: Letters<T>, field: string): T {
  const letter = String.fromCharCode(r.u8(field))
  const value = Object.hasOwn(letters, letter) ? letters[letter] : undefined
  if (value === undefined) throw new DecodeError(`${field}: unknown letter`)
  return value
}

/** The letter of a value; `EncodeError` when it has none. */
export function writeLetter<T extends string>(w: Writer, letters: Letters<T>, value: T): void {
  for (const letter in letters) {
    if (letters[letter] === value) {
      w.ascii(letter)
      return
    }
  }
  throw new EncodeError("enumeration: value without a letter")
}
