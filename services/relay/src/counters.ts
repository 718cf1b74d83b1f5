import type { DayCounts, ProxyFigures, ServiceCounts } from "./daily-line.ts"
import { difference, type Numbers, numbersOf, sum } from "./numbers.ts"
import type { Statistics } from "./statistics.ts"

/** Counters in groups, as they are saved. */
export type Groups = Readonly<Record<string, Numbers>>

const NO_OUTCOMES = { requests: 0, successes: 0, errorsConnect: 0, errorsCompat: 0, errorsOther: 0 }

/** The figures of a relay that does not forward. */
export const NO_PROXY: ProxyFigures = {
  relays: NO_OUTCOMES,
  relaysOwn: NO_OUTCOMES,
  forwards: NO_OUTCOMES,
  forwardsOwn: NO_OUTCOMES,
}

/**
 * What was counted since the present day began, and for services since the relay was set up. The counters themselves go
 * on growing, so that rates in a dashboard don't fall at midnight; what is told here are differences to a base.
 */
export class Counters {
  readonly #statistics: Statistics
  readonly #proxy: () => ProxyFigures
  #dayBase: Groups
  #servicesBefore: Groups = {}

  constructor(statistics: Statistics, proxy: () => ProxyFigures = () => NO_PROXY) {
    this.#statistics = statistics
    this.#proxy = proxy
    this.#dayBase = this.#readDay()
  }

  // Groups have the names of what they were read from, which the compiler can't see through `numbersOf`.

  /** Since this process started. */
  get sinceStart(): DayCounts {
    return this.#readDay() as unknown as DayCounts
  }

  /** Since the present day began, also in a process before this one. */
  get today(): DayCounts {
    return each(this.#readDay(), this.#dayBase, difference) as unknown as DayCounts
  }

  /** Ever, as far as it was saved. */
  get services(): ServiceCounts {
    return each(this.#readServices(), this.#servicesBefore, sum) as unknown as ServiceCounts
  }

  /** Begins a new day that does not contain what `counted` has. */
  beginDay(counted: DayCounts): void {
    this.#dayBase = each(this.#dayBase, groupsOf(counted), sum)
  }

  /** Continues from what a former process saved. */
  restore(today: Groups, services: Groups): void {
    this.#dayBase = each(this.#dayBase, today, difference)
    this.#servicesBefore = services
  }

  #readDay(): Groups {
    const { names } = this.#statistics
    return { relay: numbersOf(this.#statistics), names: numbersOf(names), ...groupsOf(this.#proxy()) }
  }

  #readServices(): Groups {
    const { rcvServices, ntfServices } = this.#statistics
    return { rcvServices: numbersOf(rcvServices), ntfServices: numbersOf(ntfServices) }
  }
}

function groupsOf(groups: object): Groups {
  return Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, numbersOf(group)]))
}

/** The groups of `a`, with what `b` counted added. */
export function sumGroups(a: Groups, b: Groups): Groups {
  return each(a, b, sum)
}

/** Combines the groups of the same name; a group that `b` lacks counts as empty. */
function each(a: Groups, b: Groups, combine: (a: Numbers, b: Numbers) => Numbers): Groups {
  return Object.fromEntries(Object.entries(a).map(([name, numbers]) => [name, combine(numbers, b[name] ?? {})]))
}
