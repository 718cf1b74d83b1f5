/** A change of one row in bytes. */
export type RowChange =
  | { readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly key: Uint8Array; readonly value?: undefined }
  /** Removes all rows whose keys start like this. */
  | { readonly prefix: Uint8Array }

/** Sorted rows of bytes: what differs between the stores. */
export interface Engine {
  /** All or nothing, in the order of the calls, durable when it resolves. */
  commit(changes: readonly RowChange[]): Promise<void>
  get(key: Uint8Array): Uint8Array | undefined
  /** Values of keys from `from` up to, without, `to`, in order. */
  range(
    from: Uint8Array,
    to: Uint8Array,
    limit: number,
  ): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>
  close(): Promise<void>
}

/** The first key after all that start with `prefix`. */
export function afterPrefix(prefix: Uint8Array): Uint8Array {
  const end = prefix.slice()
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i] !== 0xff) {
      end[i] = (end[i] ?? 0) + 1
      return end.subarray(0, i + 1)
    }
  }
  return new Uint8Array(0)
}
