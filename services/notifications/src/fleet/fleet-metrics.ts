import type { MetricsRegister } from "@sluice/ops/metrics"
import { registerRedisMetrics } from "@sluice/redis/redis-metrics"
import type { FleetRelays } from "./fleet-relays.ts"
import type { SharedStore } from "./shared-store.ts"

/** What a node counts of its work with the others; the same object all the time. */
export interface FleetFigures {
  /** Relays that this node began to own. */
  relaysTaken: number
  /** Relays that it lost without giving them up. */
  relaysLost: number
  hintsSent: number
  hintsReceived: number
  /** Pushes that were left by another node, or wait for their second attempt, and that this node took up. */
  pushesTaken: number
}

export function newFleetFigures(): FleetFigures {
  return { relaysTaken: 0, relaysLost: 0, hintsSent: 0, hintsReceived: 0, pushesTaken: 0 }
}

/** Registers what only servers that share a Redis have. */
export function registerFleetMetrics(
  register: MetricsRegister,
  { redis, durability, link, figures }: SharedStore,
  relays: FleetRelays,
): void {
  registerRedisMetrics(register, redis, durability)
  const gauge = (name: string, help: string, read: () => number): void =>
    register.gaugeFrom({ name: `sluice_ntf_fleet_${name}`, help }, read)
  const counter = (name: string, help: string, read: () => number): void =>
    register.counterFrom({ name: `sluice_ntf_fleet_${name}`, help }, read)
  gauge("nodes", "Servers with a lease, this one included", () => 1 + link.others.size)
  gauge("lease_held", "1 while this server's lease surely holds", () => (link.holdsLease() ? 1 : 0))
  gauge("relays_owned", "Relays that this server is the one to subscribe to", () => relays.owned)
  counter("relays_taken_total", "Relays that this server began to own", () => figures.relaysTaken)
  counter(
    "relays_lost_total",
    "Relays whose lease ended or was another's when it was renewed",
    () => figures.relaysLost,
  )
  counter("hints_sent_total", "Hints of new subscriptions and relays to other servers", () => figures.hintsSent)
  counter("hints_received_total", "Such hints from other servers", () => figures.hintsReceived)
  counter(
    "pushes_taken_total",
    "Pushes that another server had left or that wait for a second attempt, sent here",
    () => figures.pushesTaken,
  )
}
