import type { MetricsRegister } from "@sluice/ops/metrics"
import type { Pusher } from "./push/pusher.ts"
import type { RelayPool } from "./relays/relay-pool.ts"
import type { NtfStatistics } from "./statistics.ts"
import type { StoreCounts } from "./store/ntf-store.ts"

/** What is known of the store before it was asked. */
export const NO_COUNTS: StoreCounts = { tokens: 0, subscriptions: 0, notifications: 0, pushes: 0, relays: 0 }

export interface NtfMeters {
  readonly statistics: NtfStatistics
  readonly pusher: Pusher
  readonly pool: RelayPool
  readonly version: string
  readonly counts: () => StoreCounts
}

type Counted = { [K in keyof NtfStatistics]: NtfStatistics[K] extends number ? K : never }[keyof NtfStatistics]

const PREFIX = "simplex_ntf_"

/** The reference's counters under its names (relay-operations.md §10). */
const COUNTERS: readonly (readonly [metric: string, help: string, count: Counted])[] = [
  ["tokens_created", "Device tokens registered", "tokensCreated"],
  ["tokens_verified", "Device tokens verified", "tokensVerified"],
  ["tokens_deleted", "Registrations deleted", "tokensDeleted"],
  ["tokens_replaced", "Device tokens replaced", "tokensReplaced"],
  ["subscriptions_created", "Subscriptions created", "subscriptionsCreated"],
  ["subscriptions_deleted", "Subscriptions deleted", "subscriptionsDeleted"],
  ["notifications_received", "Notifications received from relays", "received"],
  ["notifications_received_auth", "Notifications for nobody: unknown queue, or token not active", "receivedAuth"],
  ["notifications_verification_queued", "Verification pushes to be sent", "verificationQueued"],
  [
    "notifications_verification_invalid_tkn",
    "Verification pushes refused because of the token",
    "verificationInvalidToken",
  ],
]

/** Registers everything that the server counts. Nothing in it can tell one device, queue or relay from another. */
export function registerNtfMetrics(register: MetricsRegister, meters: NtfMeters): void {
  const { statistics, pusher, pool, version, counts } = meters
  const { delivered, failed } = statistics
  for (const [name, help, count] of COUNTERS) {
    register.counterFrom({ name: PREFIX + name, help }, () => statistics[count])
  }
  const counter = (name: string, help: string, read: () => number): void =>
    register.counterFrom({ name: PREFIX + name, help }, read)
  counter("notifications_delivered", "Message pushes that a push service took", () => delivered.message)
  counter("notifications_failed", "Message pushes that failed for good", () => failed.message)
  counter(
    "notifications_periodic_delivered",
    "Periodic pushes that a push service took",
    () => delivered["check-messages"],
  )
  counter("notifications_periodic_failed", "Periodic pushes that failed for good", () => failed["check-messages"])
  counter(
    "notifications_verification_delivered",
    "Verification pushes that a push service took",
    () => delivered.verification,
  )
  counter("notifications_verification_failed", "Verification pushes that failed for good", () => failed.verification)

  const gauge = (name: string, help: string, read: () => number): void =>
    register.gaugeFrom({ name: PREFIX + name, help }, read)
  gauge("tokens_total", "Registrations stored", () => counts().tokens)
  gauge("subscriptions_approx_total", "Subscriptions stored", () => counts().subscriptions)
  gauge("notifications_total", "Last notifications stored", () => counts().notifications)
  gauge("apns_push_queue_length", "Pushes that wait in memory, of all push services", () => pusher.waiting)
  gauge("smp_sessions_count", "Relays that are connected", () => pool.states.up + pool.states.subscribing)
  gauge("smp_subscribers_count_other", "Relays with a subscriber", () => relays(pool))
  gauge(
    "smp_subscription_active_sub_count_other",
    "Subscriptions made one by one on present connections",
    () => pool.subscriptions.active,
  )
  gauge(
    "smp_subscription_pending_sub_count_other",
    "New subscriptions that wait to be made",
    () => pool.subscriptions.pending,
  )
  register.gaugeFrom({ name: `${PREFIX}info`, help: "Always 1; the version is a label" }, () => [[{ version }, 1]])

  register.gaugeFrom(
    { name: "sluice_notifications_pushes_stored", help: "Pushes stored and not sent yet" },
    () => counts().pushes,
  )
  register.gaugeFrom({ name: "sluice_notifications_pushes_running", help: "Pushes under way" }, () => pusher.running)
  register.counterFrom(
    { name: "sluice_notifications_push_retries_total", help: "Second attempts of pushes" },
    () => statistics.retried,
  )
  register.counterFrom(
    {
      name: "sluice_notifications_pushes_merged_total",
      help: "Notifications that left with an earlier one of the token",
    },
    () => statistics.superseded,
  )
  register.counterFrom(
    { name: "sluice_notifications_tokens_expired_total", help: "Registrations removed that were never verified" },
    () => statistics.tokensExpired,
  )
  register.counterFrom(
    {
      name: "sluice_notifications_registrations_refused_total",
      help: "Registrations beyond what a connection may make in a minute",
    },
    () => statistics.registrationsRefused,
  )
  register.gaugeFrom({ name: "sluice_notifications_relays", help: "Relays by the state of their connection" }, () =>
    Object.entries(pool.states).map(([state, count]) => [{ state }, count] as const),
  )
}

function relays({ states }: RelayPool): number {
  return states.connecting + states.subscribing + states.up + states.waiting
}
