/**
 * A copy in memory of its own. Not `slice()`: callers may pass a `Buffer`, whose `slice` is a view on the same memory.
 */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}
