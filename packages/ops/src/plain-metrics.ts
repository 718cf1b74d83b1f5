// What hot paths touch: plain numbers, read when metrics are scraped. No labels are looked up, nothing is allocated.

/** A count that only grows: `counter.value++`. */
export interface PlainCounter {
  value: number
}

/** A level that is set: `gauge.value = n`. Prefer a callback where the level can be read when scraped. */
export interface PlainGauge {
  value: number
}

/** A distribution over fixed buckets. */
export class PlainHistogram {
  /** Upper edges in ascending order, without the infinite one. */
  readonly edges: readonly number[]
  /** Observations per bucket, not cumulative; one more than there are edges. */
  readonly counts: Float64Array
  sum = 0

  constructor(edges: readonly number[]) {
    if (
      edges.length === 0 ||
      edges.some((edge, i) => !(edge > (edges[i - 1] ?? -Infinity)) || !Number.isFinite(edge))
    ) {
      throw new RangeError("bucket edges must be finite numbers in ascending order")
    }
    this.edges = Object.freeze([...edges])
    this.counts = new Float64Array(edges.length + 1)
  }

  /** Counts one value, in the unit that the metric's name ends with (seconds, bytes). */
  observe(value: number): void {
    let low = 0
    let high = this.edges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (value <= (this.edges[middle] ?? Infinity)) high = middle
      else low = middle + 1
    }
    this.counts[low] = (this.counts[low] ?? 0) + 1
    this.sum += value
  }

  /** Number of observations. */
  get count(): number {
    return this.counts.reduce((total, count) => total + count, 0)
  }
}
