import type { MetricsRegister } from "@sluice/ops/metrics"
import type { PlainCounter } from "@sluice/ops/plain-metrics"

/** What a node counts of its traffic with the others. */
export interface FleetMetrics {
  readonly published: { readonly one: PlainCounter; readonly all: PlainCounter }
  readonly payloads: PlainCounter
  /** Hints that came with their message, by what became of it. */
  readonly carried: { readonly pushed: PlainCounter; readonly read: PlainCounter }
  readonly received: PlainCounter
  readonly stale: PlainCounter
  readonly malformed: PlainCounter
  readonly failures: PlainCounter
  readonly interruptions: PlainCounter
  readonly leasesLost: PlainCounter
  readonly claimsLost: PlainCounter
  /** Subscriptions whose queues were looked at again because a hint may have been missed. */
  readonly repeeked: PlainCounter
  /** Where levels are read from; a node sets it. */
  levels: () => { readonly others: number; readonly holdsLease: boolean }
}

/** Registers the metrics of a node. They stay at 0 on a relay that is alone. */
export function createFleetMetrics(register: MetricsRegister): FleetMetrics {
  const events = register.counters({
    name: "sluice_fleet_events_published_total",
    help: "Events for other nodes, by whether one or all get them",
    labels: { to: ["one", "all"] },
  })
  const carried = register.counters({
    name: "sluice_fleet_messages_carried_total",
    help: "Hints that came with their message: pushed as it came, or left to a reading of the queue",
    labels: { outcome: ["pushed", "read"] },
  })
  const counter = (name: string, help: string): PlainCounter => register.counter({ name: `sluice_fleet_${name}`, help })
  const metrics: FleetMetrics = {
    published: { one: events.with({ to: "one" }), all: events.with({ to: "all" }) },
    payloads: counter("payloads_published_total", "Payloads that carried these events"),
    carried: { pushed: carried.with({ outcome: "pushed" }), read: carried.with({ outcome: "read" }) },
    received: counter("events_received_total", "Events from other nodes"),
    stale: counter("events_stale_total", "Events of subscriptions that were not there any more, dropped"),
    malformed: counter("payloads_malformed_total", "Payloads that could not be read, dropped"),
    failures: counter("publish_failures_total", "Payloads that could not be published"),
    interruptions: counter("interruptions_total", "Times that this node's channel was interrupted"),
    leasesLost: counter("leases_lost_total", "Times that this node had lost its lease"),
    claimsLost: counter("claims_lost_total", "Subscriptions to services and notifiers that another node took over"),
    repeeked: counter("repeeked_total", "Subscriptions checked again because a hint may have been missed"),
    levels: () => ({ others: 0, holdsLease: true }),
  }
  register.gaugeFrom({ name: "sluice_fleet_nodes", help: "Nodes with a lease, this one included" }, () => {
    const { others, holdsLease } = metrics.levels()
    return others + (holdsLease ? 1 : 0)
  })
  register.gaugeFrom({ name: "sluice_fleet_lease_held", help: "1 while this node's lease surely holds" }, () =>
    metrics.levels().holdsLease ? 1 : 0,
  )
  return metrics
}
