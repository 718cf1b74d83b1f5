/** Buckets are this much wider from one to the next: what is read from a histogram is off by 1 % at most. */
const GROWTH = 1.02
const LOG_GROWTH = Math.log(GROWTH)
/** Upper edge of the first bucket, ms. */
const FIRST_MS = 0.001
/** Reaches from 1 µs to more than an hour. */
const BUCKETS = 1120

/** What a report says about a latency; milliseconds. */
export interface LatencySummary {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** One point of a distribution: `share` (0 to 1) of all values are at most `ms`. */
export interface DistributionPoint {
  readonly ms: number
  readonly share: number
}

/** Collects any number of durations in 4.5 KB, in buckets whose width is in proportion to the value. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS)
  #count = 0
  #sum = 0
  #max = 0

  /** Adds a duration in milliseconds. */
  add(ms: number): void {
    const bucket = ms <= FIRST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / FIRST_MS) / LOG_GROWTH))
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#count++
    this.#sum += ms
    if (ms > this.#max) this.#max = ms
  }

  get count(): number {
    return this.#count
  }

  /** The value that `part` (0 to 1) of all are below, ms; 0 when there are none. */
  quantile(part: number): number {
    const wanted = Math.max(1, Math.ceil(part * this.#count))
    for (const { ms, share } of this.points()) if (share * this.#count >= wanted - 0.5) return ms
    return this.#max
  }

  /** The distribution, one point for each bucket that is not empty, in rising order. */
  *points(): Generator<DistributionPoint> {
    let seen = 0
    for (const [bucket, count] of this.#counts.entries()) {
      if (count === 0) continue
      seen += count
      yield { ms: Math.min(FIRST_MS * GROWTH ** (bucket - 0.5), this.#max), share: seen / this.#count }
    }
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p99: this.quantile(0.99),
      max: this.#max,
    }
  }
}
