import type { MetricsRegister } from "@sluice/ops/metrics"
import { ACK_PERIODS, type DeliveryLevels, periodOf } from "./delivery-levels.ts"
import type { Statistics } from "./statistics.ts"

/** From a client that is awake to phones that sleep for an hour. */
const OWN_BUCKETS = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 1200, 3600]

/** The reference's edges: singly to 5, to 30 by 5, to 60 by 10, to 180 by 30; of those by 60 that follow, not all. */
const REFERENCE_BUCKETS = [
  ...[0, 1, 2, 3, 4, 5],
  ...[10, 15, 20, 25, 30],
  ...[40, 50, 60],
  ...[90, 120, 150, 180],
  ...[240, 300, 360, 420, 480, 540, 600],
  ...[900, 1200, 1800, 2400, 3600],
]

/** Registers how long messages wait for their acknowledgement. */
export function registerDeliveryMetrics(
  register: MetricsRegister,
  prefix: string,
  statistics: Statistics,
  levels: DeliveryLevels,
): void {
  const help = "Time from the delivery of a message to its acknowledgement"
  const own = register.histogram({ name: "sluice_delivery_acknowledged_seconds", help, buckets: OWN_BUCKETS })
  const reference = register.histogram({
    name: `${prefix}delivery_ack_confirmed_time`,
    help: `${help}, seconds`,
    buckets: REFERENCE_BUCKETS,
  })
  const confirmed = register.counters({
    name: `${prefix}delivery_ack_confirmed_count`,
    help: "Acknowledged messages by the time that took, seconds",
    labels: { period: ACK_PERIODS },
  })
  const byPeriod = new Map(ACK_PERIODS.map((period) => [period, confirmed.with({ period })]))
  statistics.onAcknowledged = (milliseconds) => {
    const seconds = Math.max(0, milliseconds) / 1000
    own.observe(seconds)
    reference.observe(seconds)
    const counter = byPeriod.get(periodOf(seconds))
    if (counter !== undefined) counter.value++
  }
  const gauge = (name: string, meaning: string, read: () => number): void =>
    register.gaugeFrom({ name: prefix + name, help: meaning }, read)
  gauge("delivered_total", "Subscriptions with an unacknowledged message", () => levels.now.delivered)
  gauge("delivered_clients_total", "Connections with such subscriptions", () => levels.now.deliveredClients)
  gauge("delivery_ack_time_max", "Age of the oldest unacknowledged delivery, seconds", () => levels.now.oldest)
  register.gaugeFrom(
    { name: `${prefix}delivery_ack_pending_count`, help: "Unacknowledged deliveries by age, seconds" },
    () => ACK_PERIODS.map((period) => [{ period }, levels.now.pending[period]] as const),
  )
  gauge("subscribtion_clients_total", "Connections subscribed to messages", () => levels.now.subscribedClients)
  gauge("subscription_ntf_clients_total", "Connections subscribed to notifications", () => levels.now.notifierClients)
}
