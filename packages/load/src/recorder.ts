import { SmpClientError } from "@sluice/smp-client/client-error"
import { TransportError } from "@sluice/transport/errors"
import { Histogram } from "./histogram.ts"

/** Collects what happens in one part of a run: what was done, how long it took, what failed. */
export class Recorder {
  readonly latencies: Map<string, Histogram> = new Map<string, Histogram>()
  readonly errors: Map<string, number> = new Map<string, number>()
  /** Units that were completed. */
  done = 0

  /** The histogram of this latency; look it up once, not for each value. */
  latency(name: string): Histogram {
    let histogram = this.latencies.get(name)
    if (histogram === undefined) {
      histogram = new Histogram()
      this.latencies.set(name, histogram)
    }
    return histogram
  }

  /** Counts a failure of the server or the connection by what it says; throws everything else, which is a defect. */
  failed(error: unknown): void {
    if (!(error instanceof SmpClientError) && !(error instanceof TransportError)) throw error
    this.errors.set(error.message, (this.errors.get(error.message) ?? 0) + 1)
  }
}
