import { measurePart } from "../measure.ts"
import { inParallel, openLink } from "../open-link.ts"
import type { CommonOptions } from "../options.ts"
import type { Recorder } from "../recorder.ts"
import type { LoadResult } from "../report.ts"
import { resultOf } from "../result.ts"

/** Connections that are made and closed again. */
export interface ConnectOptions extends CommonOptions {
  readonly mode: "connect"
  /** Connections of each of the two parts. */
  readonly count: number
  /** Connections in the making at a time, in the second part. */
  readonly parallel: number
}

/** Measures TCP, TLS and the SMP handshake: one connection after the other, then some at a time. */
export async function runConnect(options: ConnectOptions): Promise<LoadResult> {
  const { count, parallel, pid } = options
  const first = await openLink(options)
  first.close()
  const sequential = await measurePart({ name: "sequential", unit: "connection", pid }, (recorder) =>
    inParallel(count, 1, () => connectOnce(options, recorder)).then(noResult),
  )
  const together = await measurePart({ name: "parallel", unit: "connection", pid }, (recorder) =>
    inParallel(count, parallel, () => connectOnce(options, recorder)).then(noResult),
  )
  return resultOf(options, first.session.version, { count, parallel }, [sequential, together])
}

async function connectOnce(options: ConnectOptions, recorder: Recorder): Promise<void> {
  const begun = performance.now()
  try {
    const link = await openLink(options)
    recorder.latency("connect").add(performance.now() - begun)
    recorder.done++
    link.close()
  } catch (error) {
    recorder.failed(error)
  }
}

function noResult(): void {
  // Measured work has no value of its own.
}
