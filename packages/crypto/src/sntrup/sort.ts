/**
 * Sorts signed 32-bit integers upwards, in place, by Batcher's odd-even merging network: which elements are compared
 * depends on the length alone, and each comparison is arithmetic, so time and memory accesses tell nothing of the values.
 */
export function sortConstantTime(x: Int32Array): void {
  const n = x.length
  if (n < 2) return
  let top = 1
  while (top < n - top) top += top
  for (let p = top; p > 0; p >>= 1) {
    for (let i = 0; i < n - p; i++) if ((i & p) === 0) order(x, i, i + p)
    let i = 0
    for (let q = top; q > p; q >>= 1) {
      for (; i < n - q; i++) {
        if ((i & p) !== 0) continue
        for (let r = q; r > p; r >>= 1) order(x, i + p, i + r)
      }
    }
  }
}

/** Puts the smaller of two elements first. The difference may overflow; the sign is corrected for that. */
function order(x: Int32Array, low: number, high: number): void {
  const a = x[low] as number
  const b = x[high] as number
  const either = a ^ b
  let swap = (b - a) | 0
  swap ^= either & (swap ^ b)
  swap = (swap >> 31) & either
  x[low] = a ^ swap
  x[high] = b ^ swap
}
