import type { Clock } from "@sluice/smp-client/clock"
import { Limiter } from "./limiter.ts"

/**
 * What is known of how a relay answers: `answers` did when it was last connected to, or a moment ago; `lost` did once;
 * `new` was never tried; `failing` has never answered.
 */
export type Standing = "answers" | "lost" | "new" | "failing"

/** How long an attempt keeps its place, ms: relays that answer do so sooner. Slower ones have all their time, but no place. */
const PLACE_TIME = 5000
/** Failures in a row with which a relay that answered is `lost`: one that is started again gets along with fewer. */
const MOST_FAILURES = 3

/**
 * Who may connect at a time. Devices name the relays, so there may be any number that swallow packets, and each attempt at
 * one takes the whole time limit: relays have places by their standing, so that those that answer wait for nobody else.
 */
export class ConnectLanes {
  readonly #lanes: Readonly<Record<Standing, Limiter>>

  /** @param places for relays that answer; the others have a quarter as many of each kind */
  constructor(places: number, clock: Clock) {
    const lane = (limit: number): Limiter => new Limiter(limit, { clock, ms: PLACE_TIME })
    const few = Math.ceil(places / 4)
    this.#lanes = { answers: lane(places), lost: lane(few), new: lane(few), failing: lane(few) }
  }

  /** Runs an attempt when there is a place for it. */
  run<T>(standing: Standing, attempt: () => Promise<T>): Promise<T> {
    return this.#lanes[standing].run(attempt)
  }
}

/** The standing of one relay. */
export class RelayStanding {
  #answered: boolean
  #failures = 0

  /** @param answered whether it ever did, in an earlier process */
  constructor(answered: boolean) {
    this.#answered = answered
  }

  get now(): Standing {
    if (this.#answered) return this.#failures < MOST_FAILURES ? "answers" : "lost"
    return this.#failures === 0 ? "new" : "failing"
  }

  answered(): void {
    this.#answered = true
    this.#failures = 0
  }

  failed(): void {
    this.#failures++
  }
}
