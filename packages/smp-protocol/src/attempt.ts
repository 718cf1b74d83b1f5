import { DecodeError } from "@sluice/encoding/errors"

/** What `decode` returns, or `undefined` where it throws `DecodeError`. Every other error passes. */
export function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
