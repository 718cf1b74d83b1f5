import type { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import type { Writer } from "@sluice/encoding/writer"

/**
 * How the parameters of one tag are read and written. Both start right after the tag, so the first byte of any
 * parameters is the space. Readers throw `DecodeError` and leave the check for trailing bytes to their caller.
 */
export interface Codec<T> {
  read(r: Reader, v: Version): T
  write(w: Writer, value: T, v: Version): void
}

/** A tag without parameters. Reading always gives the same frozen object. */
export function bare<T extends { readonly tag: string }>(value: T): Codec<T> {
  return {
    read: () => value,
    write() {
      // the tag says it all
    },
  }
}
