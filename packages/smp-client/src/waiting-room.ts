import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { SmpClientError } from "./client-error.ts"
import type { CancelTimer, Clock } from "./clock.ts"
import type { CallOptions, Request } from "./request.ts"

/** A command that waits for a connection. */
class WaitingCommand {
  readonly request: Request
  readonly call: CallOptions
  readonly resolve: (answer: BrokerMessage | Promise<BrokerMessage>) => void
  readonly reject: (error: unknown) => void
  cancelTimer: CancelTimer | undefined
  onAbort: (() => void) | undefined

  constructor(
    request: Request,
    call: CallOptions,
    resolve: (answer: BrokerMessage | Promise<BrokerMessage>) => void,
    reject: (error: unknown) => void,
  ) {
    this.request = request
    this.call = call
    this.resolve = resolve
    this.reject = reject
  }
}

/** Keeps the commands of a client that has no connection: a limited number, each for a limited time. */
export class WaitingRoom {
  readonly #clock: Clock
  readonly #limit: number
  readonly #timeoutMs: number
  readonly #waiting = new Set<WaitingCommand>()

  constructor(clock: Clock, limit: number, timeoutMs: number) {
    this.#clock = clock
    this.#limit = limit
    this.#timeoutMs = timeoutMs
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Waits for {@link release}; `reason` says why there is no connection when the time is over. */
  enter(request: Request, call: CallOptions, reason: () => SmpClientError): Promise<BrokerMessage> {
    return new Promise((resolve, reject) => {
      const { signal } = call
      if (signal?.aborted) return reject(signal.reason)
      if (this.#waiting.size >= this.#limit) {
        return reject(new SmpClientError({ code: "BUSY", command: request.command.tag }))
      }
      const command = new WaitingCommand(request, call, resolve, reject)
      command.cancelTimer = this.#clock.after(call.timeoutMs ?? this.#timeoutMs, () => {
        this.#leave(command)
        reject(reason())
      })
      if (signal !== undefined) {
        command.onAbort = () => {
          this.#leave(command)
          reject(signal.reason)
        }
        signal.addEventListener("abort", command.onAbort, { once: true })
      }
      this.#waiting.add(command)
    })
  }

  /** Sends all that wait, in the order in which they came. */
  release(send: (request: Request, call: CallOptions) => Promise<BrokerMessage>): void {
    for (const command of this.#waiting) {
      this.#leave(command)
      command.resolve(send(command.request, command.call))
    }
  }

  /** Rejects all that wait. */
  turnAway(error: SmpClientError): void {
    for (const command of this.#waiting) {
      this.#leave(command)
      command.reject(error)
    }
  }

  #leave(command: WaitingCommand): void {
    this.#waiting.delete(command)
    command.cancelTimer?.()
    if (command.onAbort !== undefined) command.call.signal?.removeEventListener("abort", command.onAbort)
  }
}
