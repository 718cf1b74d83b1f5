import { SmpClientError } from "@sluice/smp-client/client-error"
import type { Pair, PairListener } from "./pair.ts"
import type { Recorder } from "./recorder.ts"

/** How messages are sent over pairs. */
export interface TrafficOptions {
  /** Messages of a pair that are on their way at the same time. */
  readonly window: number
  /** Messages to send, at most. */
  readonly count: number
  /** Time to send in, ms; what is on its way then is waited for. */
  readonly durationMs: number
  /** Messages per second of all pairs together; absent: each pair sends the next one when one is finished. */
  readonly rate?: number | undefined
  /** Without any progress for this long, the run ends and what is on its way counts as lost, ms. */
  readonly timeoutMs: number
}

/** Messages that are due and wait for room, for all pairs; more are not sent, and counted as failed. */
const LONGEST_BACKLOG = 100_000

/** Sends messages over pairs until it is enough, and resolves when all have arrived or nothing happens any more. */
export function traffic(pairs: readonly Pair[], options: TrafficOptions, recorder: Recorder): Promise<void> {
  return new Promise((resolve) => new Traffic(pairs, options, recorder, resolve).start())
}

class Traffic implements PairListener {
  readonly #pairs: readonly Pair[]
  readonly #options: TrafficOptions
  readonly #recorder: Recorder
  readonly #resolve: () => void
  readonly #accepted: (ms: number) => void
  readonly #delivered: (ms: number) => void
  /** With a rate: when messages were due that found no room, per pair. */
  readonly #waiting = new Map<Pair, number[]>()
  #backlog = 0
  #live: number
  #begun = 0
  #started = 0
  #timer: NodeJS.Timeout | undefined
  #watch: NodeJS.Timeout | undefined
  #ended = false

  constructor(pairs: readonly Pair[], options: TrafficOptions, recorder: Recorder, resolve: () => void) {
    this.#pairs = pairs
    this.#live = pairs.filter(({ broken }) => !broken).length
    this.#options = options
    this.#recorder = recorder
    this.#resolve = resolve
    const accepted = recorder.latency("SEND→OK")
    const delivered = recorder.latency("SEND→MSG")
    this.#accepted = (ms) => accepted.add(ms)
    this.#delivered = (ms) => delivered.add(ms)
  }

  start(): void {
    this.#begun = performance.now()
    this.#watch = setTimeout(() => this.#stalled(), this.#options.timeoutMs)
    for (const pair of this.#pairs) pair.listen(this)
    if (this.#options.rate !== undefined) {
      this.#pace(this.#options.rate)
      return
    }
    for (let i = 0; i < this.#options.window; i++) for (const pair of this.#pairs) this.#next(pair)
    this.#endIfDone()
  }

  accepted(ms: number): void {
    this.#accepted(ms)
  }

  delivered(ms: number): void {
    this.#delivered(ms)
  }

  failed(error: SmpClientError): void {
    this.#recorder.failed(error)
  }

  finished(pair: Pair, done: boolean): void {
    if (done) this.#recorder.done++
    this.#watch?.refresh()
    this.#next(pair)
    this.#endIfDone()
  }

  broken(): void {
    this.#live--
    this.#recorder.failed(new SmpClientError({ code: "LOST" }))
    this.#endIfDone()
  }

  /** Whether there are messages to start: the number and the time are not used up. */
  get #more(): boolean {
    const { count, durationMs } = this.#options
    return !this.#ended && this.#started < count && performance.now() - this.#begun < durationMs
  }

  #next(pair: Pair): void {
    if (pair.broken) return
    if (this.#options.rate !== undefined) {
      const due = this.#waiting.get(pair)?.shift()
      if (due === undefined) return
      this.#backlog--
      pair.send(due)
    } else if (this.#more) {
      this.#started++
      pair.send(performance.now())
    }
  }

  /**
   * Starts messages at fixed times, whatever became of those before; the pairs take turns. A message that has to wait for
   * room is late from the time at which it was due, so that a server that stalls does not hide it.
   */
  #pace(rate: number): void {
    const interval = 1000 / rate
    const now = performance.now()
    while (this.#more && this.#begun + this.#started * interval <= now) {
      const pair = this.#pairs[this.#started++ % this.#pairs.length]
      if (pair === undefined || pair.broken) continue
      if (pair.inFlight < this.#options.window) pair.send(now)
      else this.#wait(pair, now)
    }
    if (this.#more) {
      const next = this.#begun + this.#started * interval - performance.now()
      this.#timer = setTimeout(() => this.#pace(rate), Math.max(0, next))
    } else {
      this.#endIfDone()
    }
  }

  #wait(pair: Pair, due: number): void {
    if (this.#backlog >= LONGEST_BACKLOG) {
      this.#recorder.failed(new SmpClientError({ code: "BUSY", command: "SEND" }))
      return
    }
    const waiting = this.#waiting.get(pair) ?? []
    waiting.push(due)
    this.#waiting.set(pair, waiting)
    this.#backlog++
  }

  #endIfDone(): void {
    if (this.#more && this.#live > 0) return
    const busy = this.#pairs.some(
      (pair) => !pair.broken && (pair.inFlight > 0 || (this.#waiting.get(pair)?.length ?? 0) > 0),
    )
    if (!busy) this.#end()
  }

  #stalled(): void {
    for (const pair of this.#pairs) {
      for (let i = 0; i < pair.inFlight; i++) {
        this.#recorder.failed(new SmpClientError({ code: "TIMEOUT", command: "SEND" }))
      }
    }
    this.#end()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    clearTimeout(this.#watch)
    this.#resolve()
  }
}
