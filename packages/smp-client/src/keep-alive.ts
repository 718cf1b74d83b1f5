import type { CancelTimer, Clock } from "./clock.ts"

/** When a silent connection is asked for a sign of life, and when it is given up (transport.md §2.6). */
export interface KeepAliveOptions {
  /** Silence after which `PING` is sent, ms; default 600000. Only where something is subscribed. 0: never. */
  readonly pingAfterMs?: number | undefined
  /** Command time-outs in a row, `PING` included, after which a silent connection is dropped; default 3. 0: never. */
  readonly maxTimeouts?: number | undefined
  /** ... but not before this long without a block, ms; default 900000. */
  readonly minSilenceMs?: number | undefined
}

/** What the rule decides; the connection does it. */
export interface KeepAliveActions {
  ping(): void
  drop(): void
}

/** A ping is put off while more than this remains until it is due, ms: no use in waking up for less. */
const PING_TOLERANCE = 1000

/**
 * Watches the silence of one connection. A block received proves the connection alive and starts everything again; the
 * timer is not touched for it, it looks at the time of the last block when it fires.
 */
export class KeepAlive {
  readonly #clock: Clock
  readonly #actions: KeepAliveActions
  readonly #pingAfter: number
  readonly #maxTimeouts: number
  readonly #minSilence: number
  #lastReceived: number
  #timeouts = 0
  #cancel: CancelTimer | undefined
  #stopped = false

  constructor(options: KeepAliveOptions, clock: Clock, actions: KeepAliveActions) {
    this.#clock = clock
    this.#actions = actions
    this.#pingAfter = options.pingAfterMs ?? 600_000
    this.#maxTimeouts = options.maxTimeouts ?? 3
    this.#minSilence = options.minSilenceMs ?? 900_000
    this.#lastReceived = clock.now()
  }

  /** A block came. */
  received(): void {
    this.#lastReceived = this.#clock.now()
    this.#timeouts = 0
  }

  /** A command was not answered in time. */
  timedOut(): void {
    this.#timeouts++
    if (this.#maxTimeouts === 0 || this.#timeouts < this.#maxTimeouts || this.#stopped) return
    if (this.#clock.now() - this.#lastReceived < this.#minSilence) return
    this.stop()
    this.#actions.drop()
  }

  /** Something was subscribed: from now on silence is suspicious. */
  enablePings(): void {
    if (this.#cancel === undefined && this.#pingAfter > 0 && !this.#stopped) this.#wait(this.#pingAfter)
  }

  /** No more pings, no more drops. */
  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #wait(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => {
      const remaining = this.#lastReceived + this.#pingAfter - this.#clock.now()
      if (remaining > PING_TOLERANCE) return this.#wait(remaining)
      this.#wait(this.#pingAfter)
      this.#actions.ping()
    })
  }
}
