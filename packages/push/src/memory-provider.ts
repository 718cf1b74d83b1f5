import {
  DELIVERED,
  type PushKind,
  type PushNotification,
  type PushOutcome,
  type PushProvider,
  type PushTarget,
  type SealedContent,
} from "./provider.ts"

/** A push that a {@link MemoryProvider} took. */
export interface DeliveredPush {
  readonly kind: PushKind
  readonly target: PushTarget
  /** Absent for `check-messages`. */
  readonly content: SealedContent | undefined
}

/** How a {@link MemoryProvider} behaves. */
export interface MemoryProviderOptions {
  /** Padded length that contents are asked for; default 3072. */
  readonly paddedLength?: number
  /** Says what becomes of an attempt; default {@link DELIVERED}. */
  readonly answer?: (target: PushTarget, kind: PushKind) => PushOutcome | Promise<PushOutcome>
}

/** A push service in memory, for tests: keeps every attempt in order and answers as it is told. */
export class MemoryProvider implements PushProvider {
  /** Everything that was attempted, whatever the answer was. */
  readonly attempts: DeliveredPush[] = []
  /** What becomes of attempts from now on. */
  answer: (target: PushTarget, kind: PushKind) => PushOutcome | Promise<PushOutcome>
  readonly #paddedLength: number
  readonly #waiting: ((push: DeliveredPush) => void)[] = []
  #taken = 0
  #closed = false

  constructor(options: MemoryProviderOptions = {}) {
    this.#paddedLength = options.paddedLength ?? 3072
    this.answer = options.answer ?? (() => DELIVERED)
  }

  async deliver(target: PushTarget, notification: PushNotification, signal: AbortSignal): Promise<PushOutcome> {
    if (this.#closed || signal.aborted) return { outcome: "failed", cause: "unavailable" }
    const { kind } = notification
    const content = notification.kind === "check-messages" ? undefined : notification.seal(this.#paddedLength)
    const push = { kind, target, content }
    const outcome = await this.answer(target, kind)
    this.attempts.push(push)
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) {
      this.#taken++
      waiting(push)
    }
    return outcome
  }

  /** The next attempt that was not given out yet, waiting for it if need be. */
  next(): Promise<DeliveredPush> {
    const push = this.attempts[this.#taken]
    if (push !== undefined) {
      this.#taken++
      return Promise.resolve(push)
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Attempts that {@link next} has not given out. */
  get pending(): number {
    return this.attempts.length - this.#taken
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }
}
