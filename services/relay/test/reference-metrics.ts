/** A metric of the reference server: name after `simplex_smp_`, type, and the values of its labels. */
export interface ReferenceMetric {
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly labels: Readonly<Record<string, readonly string[]>>
}

const SERVICE_COUNTERS = [
  "assoc_new",
  "assoc_duplicate",
  "assoc_updated",
  "assoc_removed",
  "sub_count",
  "sub_duplicate",
]
const SERVICE_GAUGES = [
  ...["sub_queues", "sub_end", "sub_ok", "sub_more", "sub_fewer", "sub_diff", "sub_more_total", "sub_fewer_total"],
]
const PERIODS = ["0-60", "60-300", "300-1200", "1200-3600", "3600+"]
const SOURCES = ["all", "own"]
const PROXY_ERRORS = ["connect", "compat", "other"]
/** Labels whose values only a running server knows. */
const ANY: readonly string[] = []

/** The table of relay-operations.md §6, from top to bottom. */
export const REFERENCE_METRICS: readonly ReferenceMetric[] = [
  ...counters("queues_created", "queues_secured", "queues_blocked"),
  labelled("counter", "queues_deleted", { type: ["all", "new", "secured"] }),
  ...counters("queues_deleted_batch"),
  ...gauges("queues_total1", "queues_total2"),
  ...gauges("queues_daily", "queues_weekly", "queues_monthly"),
  ...gauges("queues_notify_daily", "queues_notify_weekly", "queues_notify_monthly"),
  ...counters("subscribtion_successes", "subscribtion_successes_batch"),
  ...counters("subscribtion_end", "subscribtion_end_batch"),
  labelled("counter", "subscribtion_errors", { type: ["auth", "duplicate", "prohibited"] }),
  ...counters("messages_sent", "messages_received", "messages_expired"),
  labelled("counter", "messages_sent_errors", { type: ["auth", "quota", "large", "block"] }),
  ...gauges("messages_total"),
  ...counters("messages_notify_sent", "messages_notify_received"),
  ...counters("messages_notify_get_sent", "messages_notify_get_received"),
  labelled("counter", "messages_notify_get_errors", { type: ["nomsg", "auth", "duplicate", "prohibited"] }),
  ...counters("queues_notify_created", "queues_notify_new_created"),
  ...counters("queues_notify_deleted", "queues_notify_deleted_batch"),
  ...gauges("queues_notify_total1", "queues_notify_total2"),
  ...counters("messages_ntf_successes", "messages_ntf_successes_batch"),
  labelled("counter", "messages_ntf_errors", { type: ["nosub", "lost", "expired"] }),
  ...counters("subscription_ntf_requests", "subscription_ntf_requests_batch"),
  labelled("counter", "subscribtion_ntf_errors", { type: ["auth", "duplicate"] }),
  labelled("counter", "relay_sessions_requests", { source: SOURCES }),
  labelled("counter", "relay_sessions_successes", { source: SOURCES }),
  labelled("counter", "relay_sessions_errors", { source: SOURCES, type: PROXY_ERRORS }),
  labelled("counter", "relay_messages_requests", { source: SOURCES }),
  labelled("counter", "relay_messages_successes", { source: SOURCES }),
  labelled("counter", "relay_messages_errors", { source: SOURCES, type: PROXY_ERRORS }),
  ...counters("relay_messages_received"),
  ...gauges("rcv_services_count", "rcv_services_queues_count", "ntf_services_count", "ntf_services_queues_count"),
  ...counters("rcv_services_sub_msg_count", "rcv_services_sub_duplicate_count"),
  ...["rcv", "ntf"].flatMap((kind) => [
    ...counters(...SERVICE_COUNTERS.map((name) => `${kind}_services_${name}`)),
    ...gauges(...SERVICE_GAUGES.map((name) => `${kind}_services_${name}`)),
  ]),
  ...counters("names_reqs", "names_success", "names_not_found", "names_resolver_errs", "names_disabled"),
  labelled("gauge", "info", { version: ANY, rts_options: ANY }),
  ...["accepted", "closed", "active", "leaked"].map((name) => labelled("gauge", `sockets_${name}`, { port: ANY })),
  ...gauges("threads_total", "clients_total"),
  ...gauges("delivered_total", "delivered_clients_total"),
  labelled("histogram", "delivery_ack_confirmed_time", { le: ANY }),
  labelled("counter", "delivery_ack_confirmed_count", { period: PERIODS }),
  labelled("gauge", "delivery_ack_pending_count", { period: PERIODS }),
  ...gauges("delivery_ack_time_max"),
  ...gauges("subscribtion_total", "subscribtion_clients_total"),
  ...gauges("subscribtion_services_total", "subscribtion_service_subs_total"),
  ...gauges("subscription_ntf_total", "subscription_ntf_clients_total"),
  ...gauges("subscribtion_nts_services_total", "subscription_ntf_service_subs_total"),
  ...["queue_count", "ntf_count", "open_journal_count", "queue_lock_count", "ntf_lock_count"].map((name) =>
    labelled("gauge", `loaded_queues_${name}`, {}),
  ),
]

/** What this relay leaves out, and why; `docs/metrics.md` says the same. */
export const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ["threads_total", "there are no threads per connection; the load is in sluice_event_loop_utilization_ratio"],
  ["loaded_queues_queue_count", "the store keeps no queues in memory"],
  ["loaded_queues_ntf_count", "the store keeps no notifications in memory"],
  ["loaded_queues_open_journal_count", "there are no journals"],
  ["loaded_queues_queue_lock_count", "there are no locks of queues"],
  ["loaded_queues_ntf_lock_count", "there are no locks of notifiers"],
])

/** Values of labels that are left out, as `name{label="value"}`. */
export const LEFT_OUT_SERIES: ReadonlyMap<string, string> = new Map([
  ['messages_ntf_errors{type="nosub"}', "the reference never counts it"],
  ['messages_ntf_errors{type="lost"}', "the reference never counts it"],
])

function counters(...names: readonly string[]): ReferenceMetric[] {
  return names.map((name) => labelled("counter", name, {}))
}

function gauges(...names: readonly string[]): ReferenceMetric[] {
  return names.map((name) => labelled("gauge", name, {}))
}

function labelled(
  type: ReferenceMetric["type"],
  name: string,
  labels: Readonly<Record<string, readonly string[]>>,
): ReferenceMetric {
  return { name, type, labels }
}
