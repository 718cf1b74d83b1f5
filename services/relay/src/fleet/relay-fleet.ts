import { Fleet } from "@sluice/fleet/fleet"
import { createFleetMetrics } from "@sluice/fleet/fleet-metrics"
import type { NodeLink } from "@sluice/fleet/node-link"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { MetricsRegister } from "@sluice/ops/metrics"
import { StoreError } from "@sluice/queue-store/store-error"
import type { RelayContext } from "../context.ts"
import { CatchUp } from "./catch-up.ts"
import { Hints } from "./hints.ts"
import { ALONE, FleetNeighbours, type Neighbours } from "./neighbours.ts"

export interface RelayFleetParts {
  readonly clock: Clock
  readonly log: Log
  readonly register: MetricsRegister
  /** Milliseconds in which notifications are gathered. */
  readonly notificationInterval: number
}

/** A relay's place in its fleet: from the link to what the relay tells, hears and does about it. */
export class RelayFleet {
  readonly neighbours: Neighbours
  readonly #link: NodeLink | undefined
  readonly #fleet: Fleet | undefined
  readonly #own: FleetNeighbours | undefined
  readonly #log: Log
  #catchUp: CatchUp | undefined

  /** Without a link the relay is alone, and everything here costs nothing. */
  constructor(link: NodeLink | undefined, { clock, log, register, notificationInterval }: RelayFleetParts) {
    const metrics = createFleetMetrics(register)
    this.#link = link
    this.#log = log
    const onError = (error: unknown): void => log.warn("other nodes can not be told at present", { error })
    this.#fleet = link && new Fleet(link, { clock, metrics, onError })
    this.#own = this.#fleet && new FleetNeighbours(this.#fleet, clock, notificationInterval)
    this.neighbours = this.#own ?? ALONE
  }

  /** Takes part from now on. Rejects when the fleet can't be reached. */
  async start(relay: RelayContext): Promise<void> {
    if (this.#fleet === undefined || this.#catchUp !== undefined) return
    const onError = (error: unknown): void => {
      if (error instanceof StoreError) relay.storeFailed(error)
      else this.#log.error("work for the fleet failed, which is a defect of this program", { error })
    }
    this.#catchUp = new CatchUp(relay, this.#fleet.metrics.repeeked, onError)
    await this.#fleet.start(new Hints(relay, this.#fleet, this.#catchUp, onError))
  }

  /** Whether this node's lease holds; a relay that is alone needs none. */
  holdsLease(): boolean {
    return this.#link?.holdsLease() ?? true
  }

  async stop(): Promise<void> {
    this.#own?.stop()
    this.#catchUp?.stop()
    await this.#fleet?.stop()
  }
}
