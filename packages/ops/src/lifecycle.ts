// A program from its start to its exit code. Nothing here ends the process: that is main.ts's, so tests need no process.
import type { EventEmitter } from "node:events"
import type { Clock, Timer } from "./clock.ts"
import type { Log } from "./log.ts"
import { OperatorError } from "./operator-error.ts"
import type { Readiness } from "./readiness.ts"
import type { Service } from "./service.ts"

/** A program that was put together and can be started. */
export interface Program {
  readonly service: Service
  readonly log: Log & { flush?(): void }
  readonly readiness?: Readiness
  /** Milliseconds from the signal to the deadline given to `stop`; 20 s, below the 30 s that Kubernetes gives. */
  readonly grace?: number
  /**
   * Brings to rest what would keep the process from ending when it has to end without a stop: an embedded store whose
   * transaction is under way. Can be called at any time, also while `stop` runs.
   */
  release?(): Promise<void>
}

/** What the lifecycle needs of the process. */
export interface Host {
  /** Emits SIGTERM, SIGINT, SIGHUP, uncaughtException and unhandledRejection, as `process` does. */
  readonly events: Pick<EventEmitter, "on" | "off">
  readonly clock: Clock
  /** Where a line for the operator goes when there is no log yet. */
  writeError(line: string): void
  /** Ends the process at once, whatever its threads do. */
  kill(): void
}

const DEFAULT_GRACE = 20_000
/** How long a service may go on after its deadline before the process ends without it. */
const PATIENCE = 2_000
/** Time in which the same signal, again, is taken for an echo of the first. */
const ECHO = 500
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const
type StopSignal = keyof typeof SIGNAL_NUMBERS

/**
 * Runs a program until it is told to stop; resolves with the exit code, after which the process must end:
 *
 * - 0: stopped by SIGTERM or SIGINT, everything finished
 * - 1: it crashed, did not start because of a defect, or did not stop cleanly in time
 * - 2: an {@link OperatorError} kept it from starting; its message was written
 * - none, as the process is killed: it ends without a stop, and what it had under way did not come to rest either
 * - 130, 143: a second signal (SIGINT, SIGTERM) came before it had stopped. The same signal again within half a second is
 *   the first one on another way: a terminal or a service manager signals a whole group, whose members pass it on.
 *
 * SIGHUP reloads; a failed reload is logged and the program goes on.
 * @param build puts the program together; anything it throws is a failed start
 */
export function runProgram(build: () => Program | Promise<Program>, host: Host): Promise<number> {
  return new Lifecycle(host).run(build)
}

class Lifecycle {
  readonly #host: Host
  readonly #exit = Promise.withResolvers<number>()
  readonly #stopRequest = new AbortController()
  readonly #deadline = new AbortController()
  readonly #listeners: readonly (readonly [string, (value: unknown) => void])[]
  #program: Program | undefined
  #timer: Timer | undefined
  #stopSignal: StopSignal | undefined
  #signalledAt = 0
  /** It came to its end by itself: everything is stopped. */
  #finished = false
  #reloading: Promise<void> | undefined
  #reloadAgain = false

  constructor(host: Host) {
    this.#host = host
    this.#listeners = [
      ["SIGTERM", () => this.#onStopSignal("SIGTERM")],
      ["SIGINT", () => this.#onStopSignal("SIGINT")],
      ["SIGHUP", () => this.#onReloadSignal()],
      ["uncaughtException", (error) => this.#onCrash("uncaught exception", error)],
      ["unhandledRejection", (error) => this.#onCrash("unhandled rejection", error)],
    ]
  }

  async run(build: () => Program | Promise<Program>): Promise<number> {
    for (const [event, listener] of this.#listeners) this.#host.events.on(event, listener)
    this.#startAndStop(build).then(
      (finished) => {
        this.#finished = true
        this.#exit.resolve(finished)
      },
      (error: unknown) => this.#onCrash("lifecycle failed", error),
    )
    const code = await this.#exit.promise
    this.#timer?.cancel()
    if (!this.#finished) await this.#release()
    this.#program?.log.flush?.()
    for (const [event, listener] of this.#listeners) this.#host.events.off(event, listener)
    return code
  }

  async #startAndStop(build: () => Program | Promise<Program>): Promise<number> {
    const stop = this.#stopRequest.signal
    try {
      this.#program = await build()
      if (stop.aborted) return 0
      await this.#program.service.start(stop)
    } catch (error) {
      // A start that was given up because of the signal is not a failure, whatever it threw.
      return stop.aborted ? 0 : this.#reportFailedStart(error)
    }
    const { service, log, readiness } = this.#program
    readiness?.started()
    if (!stop.aborted) {
      log.info("started")
      await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }))
    }
    readiness?.drain()
    try {
      await service.stop(this.#deadline.signal)
      log.info("stopped", { ...this.#signalField() })
      return 0
    } catch (error) {
      log.error("stopping failed", { error })
      return 1
    }
  }

  #onStopSignal(signal: StopSignal): void {
    const now = this.#host.clock.monotonic()
    if (signal === this.#stopSignal && now - this.#signalledAt < ECHO) return
    if (this.#stopSignal !== undefined) {
      this.#program?.log.warn("second signal, ending at once", { signal })
      this.#exit.resolve(128 + SIGNAL_NUMBERS[signal])
      return
    }
    this.#stopSignal = signal
    this.#signalledAt = now
    this.#program?.readiness?.drain()
    this.#program?.log.info("stopping", { signal })
    const grace = this.#program?.grace ?? DEFAULT_GRACE
    this.#timer = this.#host.clock.setTimeout(() => {
      this.#deadline.abort()
      this.#timer = this.#host.clock.setTimeout(() => this.#giveUp(), PATIENCE)
    }, grace)
    this.#stopRequest.abort()
  }

  #giveUp(): void {
    if (this.#program === undefined) this.#host.writeError("sluice: did not stop in time")
    else this.#program.log.error("did not stop in time, ending without it", { ...this.#signalField() })
    this.#exit.resolve(1)
  }

  /** The end without a stop: a thread that is left in the middle of its work could make the process hang for ever. */
  async #release(): Promise<void> {
    const { release } = this.#program ?? {}
    if (release === undefined) return
    const { promise: late, resolve } = Promise.withResolvers<boolean>()
    const timer = this.#host.clock.setTimeout(() => resolve(true), PATIENCE)
    const released = release().then(
      () => false,
      () => true,
    )
    if (await Promise.race([released, late])) this.#host.kill()
    timer.cancel()
  }

  #onReloadSignal(): void {
    const { service, log } = this.#program ?? {}
    if (service?.reload === undefined || this.#stopSignal !== undefined) {
      log?.info("nothing to reload")
      return
    }
    if (this.#reloading !== undefined) {
      this.#reloadAgain = true
      return
    }
    this.#reloading = this.#reload().finally(() => {
      this.#reloading = undefined
      if (!this.#reloadAgain) return
      this.#reloadAgain = false
      this.#onReloadSignal()
    })
  }

  async #reload(): Promise<void> {
    const { service, log } = this.#program ?? {}
    try {
      await service?.reload?.()
      log?.info("reloaded")
    } catch (error) {
      log?.error("reloading failed, going on as before", { error })
    }
  }

  #onCrash(what: string, error: unknown): void {
    if (this.#program === undefined) {
      this.#host.writeError(`sluice: ${what}: ${stackOf(error)}`)
    } else {
      this.#program.log.error(what, { error })
    }
    this.#exit.resolve(1)
  }

  #reportFailedStart(error: unknown): number {
    if (error instanceof OperatorError) {
      this.#host.writeError(`sluice: ${error.message}`)
      return error.exitCode
    }
    this.#onCrash("starting failed", error)
    return 1
  }

  #signalField(): { readonly signal?: StopSignal } {
    return this.#stopSignal === undefined ? {} : { signal: this.#stopSignal }
  }
}

/** Before there is a log there is no network either, so nothing of a client can be in the message. */
function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
