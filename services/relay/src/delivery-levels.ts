import { setImmediate } from "node:timers/promises"
import type { Job } from "@sluice/ops/jobs"
import type { RelayContext } from "./context.ts"

/** Ages of deliveries by which they are told, seconds (relay-operations.md §6). */
export const ACK_PERIODS = ["0-60", "60-300", "300-1200", "1200-3600", "3600+"] as const
export type AckPeriod = (typeof ACK_PERIODS)[number]

const PERIOD_ENDS: readonly (readonly [end: number, period: AckPeriod])[] = [
  [60, "0-60"],
  [300, "60-300"],
  [1200, "300-1200"],
  [3600, "1200-3600"],
]

/** The period that an age in seconds belongs to. */
export function periodOf(seconds: number): AckPeriod {
  return PERIOD_ENDS.find(([end]) => seconds < end)?.[1] ?? "3600+"
}

/** How many subscriptions are looked at without a pause: some milliseconds. */
const SLICE = 10_000
const EVERY = 15_000

interface Levels {
  /** Subscriptions with an unacknowledged message, and connections with such. */
  delivered: number
  deliveredClients: number
  /** Those subscriptions by the age of the delivery. */
  readonly pending: Record<AckPeriod, number>
  /** The greatest of these ages, seconds. */
  oldest: number
  /** Connections that subscribed to messages, and to notifications. */
  subscribedClients: number
  notifierClients: number
}

/**
 * What can be learned only by looking at every subscription. That happens now and then and in slices, so that neither a
 * scrape nor a client ever waits for it.
 */
export class DeliveryLevels {
  readonly #relay: RelayContext
  #levels: Readonly<Levels> = noLevels()
  readonly #slice: number

  /** `slice`: subscriptions that are looked at without a pause. */
  constructor(relay: RelayContext, slice: number = SLICE) {
    this.#relay = relay
    this.#slice = slice
  }

  /** As of the last look. */
  get now(): Readonly<Levels> {
    return this.#levels
  }

  job(): Job {
    return { name: "delivery-levels", every: EVERY, firstAfter: 0, run: (signal) => this.look(signal) }
  }

  /** Looks at every subscription. What comes or goes meanwhile may be counted or not. */
  async look(signal: AbortSignal): Promise<void> {
    const { clients, clock } = this.#relay
    const levels = noLevels()
    const now = clock.now()
    let left = this.#slice
    for (const client of clients) {
      const before = levels.delivered
      for (const { state, deliveredAt } of client.subscriptions()) {
        if (state === "delivered") addDelivery(levels, Math.max(0, now - deliveredAt) / 1000)
        if (--left > 0) continue
        await setImmediate()
        signal.throwIfAborted()
        left = this.#slice
      }
      if (levels.delivered > before) levels.deliveredClients++
      if (client.subscriptionCount > 0) levels.subscribedClients++
      if (client.notifiers.size > 0) levels.notifierClients++
    }
    this.#levels = levels
  }
}

function addDelivery(levels: Levels, seconds: number): void {
  levels.delivered++
  levels.pending[periodOf(seconds)]++
  levels.oldest = Math.max(levels.oldest, seconds)
}

function noLevels(): Levels {
  return {
    delivered: 0,
    deliveredClients: 0,
    pending: { "0-60": 0, "60-300": 0, "300-1200": 0, "1200-3600": 0, "3600+": 0 },
    oldest: 0,
    subscribedClients: 0,
    notifierClients: 0,
  }
}
