import type { Clock } from "@sluice/ops/clock"
import { Lru } from "@sluice/ops/lru"
import type { PushOutcome } from "@sluice/push/provider"
import { isChosenByDevices } from "./push-target.ts"

export interface HostLimitOptions {
  /** Attempts under way at a time for each push service that answers. */
  readonly concurrency: number
  /** Attempts under way at a time over all hosts of Web Push that have not answered lately. */
  readonly strangers: number
}

/** Time for an attempt at a host of which nothing is known, ms. It has all its time with the next one. */
export const FIRST_TIMEOUT = 5000
/** How long a host that has answered is known for it, ms. */
const KNOWN_FOR = 86_400_000
/** How long a host that did not answer in time is one of the slow ones, ms; each further time begins anew. */
const SLOW_FOR = 300_000
/** Hosts that are remembered of each kind, some 150 bytes each. */
const MOST_HOSTS = 10_000

/** Leave for one attempt. */
export interface Place {
  /** The attempt is given up after so long, ms; absent: after the provider's own time. */
  readonly timeoutMs?: number | undefined
  /** The places that it is one of, if it is one of few. */
  readonly share?: Share | undefined
}

/** Places that hosts have together. */
interface Share {
  readonly places: number
  taken: number
  /** Lanes that have found no place, in their order. */
  readonly waiting: Set<string>
}

interface KnownHost {
  readonly answers: number
  /** Monotonic milliseconds. */
  readonly until: number
}

/**
 * How many attempts at which push service may be under way. Devices choose the hosts of Web Push, so there may be any number
 * that never answer, and each attempt at one keeps a connection and a push for the whole of its time. So a host has to earn
 * its attempts: one more at a time with each answer. Those that have not answered lately get one at a time, and few in all:
 * new hosts together, with a short time for the first attempt, and slow ones together, which did not answer in time.
 * What goes to hosts that answer waits for neither.
 */
export class HostLimits {
  readonly #clock: Clock
  readonly #concurrency: number
  /** By lane, as {@link HostLimits.#slow}; hosts that hang can not drive those out that answer. */
  readonly #known = new Lru<string, KnownHost>(MOST_HOSTS)
  /** Until when, monotonic milliseconds. */
  readonly #slow = new Lru<string, number>(MOST_HOSTS)
  readonly #forNew: Share
  readonly #forSlow: Share

  constructor(clock: Clock, { concurrency, strangers }: HostLimitOptions) {
    this.#clock = clock
    this.#concurrency = concurrency
    this.#forNew = { places: strangers, taken: 0, waiting: new Set() }
    this.#forSlow = { places: Math.ceil(strangers / 2), taken: 0, waiting: new Set() }
  }

  /**
   * A place for one more attempt of a lane that has some under way; give it back with {@link HostLimits.end}. Without one,
   * the lane is to be tried again when one of its own attempts has ended, or when `end` names it.
   */
  begin(lane: string, running: number): Place | undefined {
    const known = isChosenByDevices(lane) ? this.#answersOf(lane) : this.#concurrency
    if (known > 0) return running < Math.min(known, this.#concurrency) ? {} : undefined
    if (running > 0) return undefined
    const slow = this.#isSlow(lane)
    const share = slow ? this.#forSlow : this.#forNew
    if (share.taken >= share.places) {
      share.waiting.add(lane)
      return undefined
    }
    share.taken++
    return slow ? { share } : { share, timeoutMs: FIRST_TIMEOUT }
  }

  /** An attempt is over. Gives lanes that may begin one now: they are to try at once, as the next one depends on it. */
  end({ share }: Place): Iterable<string> {
    if (share === undefined) return []
    share.taken--
    return freed(share)
  }

  /** Whether a lane is of a host that devices have chosen and that has not answered lately. */
  isStranger(lane: string): boolean {
    return isChosenByDevices(lane) && this.#answersOf(lane) === 0
  }

  /** Notes what became of an attempt: any answer is that of a host that is there. */
  note(lane: string, outcome: PushOutcome): void {
    if (!isChosenByDevices(lane)) return
    if (outcome.outcome === "retry" && outcome.cause === "timeout") {
      this.#known.delete(lane)
      this.#slow.set(lane, this.#clock.monotonic() + SLOW_FOR)
    } else if (isAnswer(outcome)) {
      const answers = Math.min(this.#answersOf(lane) + 1, this.#concurrency)
      this.#known.set(lane, { answers, until: this.#clock.monotonic() + KNOWN_FOR })
      this.#slow.delete(lane)
    }
  }

  /** Since it last did not answer in time; 0 is a host that is not known. */
  #answersOf(lane: string): number {
    const known = this.#known.peek(lane)
    return known === undefined || this.#clock.monotonic() >= known.until ? 0 : known.answers
  }

  #isSlow(lane: string): boolean {
    const until = this.#slow.peek(lane)
    return until !== undefined && this.#clock.monotonic() < until
  }
}

/** Lanes that wait, for as long as there are places. */
function* freed(share: Share): Generator<string> {
  for (const lane of share.waiting) {
    if (share.taken >= share.places) return
    share.waiting.delete(lane)
    yield lane
  }
}

/** Whether the host must have said something: an attempt that was given up, or not made at all, says nothing of it. */
function isAnswer(outcome: PushOutcome): boolean {
  switch (outcome.outcome) {
    case "delivered":
    case "token-invalid":
      return true
    case "retry":
      return outcome.cause !== "connection" && outcome.cause !== "timeout"
    case "failed":
      return outcome.cause === "configuration" || outcome.cause === "payload"
  }
}
