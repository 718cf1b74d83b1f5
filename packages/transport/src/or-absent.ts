import { DecodeError } from "@sluice/encoding/errors"

/** What `read` gives, or `undefined` where it meets bytes that do not decode. */
export function orAbsent<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
