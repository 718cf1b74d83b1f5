import type { MetricsRegister } from "@sluice/ops/metrics"
import type { StoreCounts } from "@sluice/queue-store/queue-store"
import type { ServerMetrics } from "@sluice/server-kit/server-metrics"
import type { Delivery } from "./delivery.ts"
import type { DeliveryLevels } from "./delivery-levels.ts"
import { registerDeliveryMetrics } from "./delivery-metrics.ts"
import type { DistinctCount } from "./distinct-count.ts"
import type { NotificationDelivery } from "./notification-delivery.ts"
import type { ServiceSubscriptions } from "./service-subscriptions.ts"
import type { NameStatistics, ServiceStatistics, Statistics } from "./statistics.ts"

/** Numbers of the statistics, by name. */
export type Count<T> = { [K in keyof T]-?: T[K] extends number ? K : never }[keyof T]

type Entry<T> = readonly [metric: string, help: string, count: Count<T>]

/** The reference's counters under its names, so that existing dashboards work (relay-operations.md §6). */
const COUNTERS: readonly Entry<Statistics>[] = [
  ["queues_created", "Queues created", "qCreated"],
  ["queues_secured", "Queues secured, repeats included", "qSecured"],
  ["queues_blocked", "Queues blocked by an operator", "qBlocked"],
  ["queues_deleted_batch", "Blocks of deletions", "qDeletedAllB"],
  ["subscribtion_successes", "Subscriptions that found a message", "qSub"],
  ["subscribtion_successes_batch", "Blocks of subscriptions", "qSubAllB"],
  ["subscribtion_end", "Subscriptions ended by another connection or by deletion", "qSubEnd"],
  ["subscribtion_end_batch", "Batches of such events", "qSubEndB"],
  ["messages_sent", "Messages accepted", "msgSent"],
  ["messages_received", "Messages acknowledged", "msgRecv"],
  ["messages_expired", "Messages expired", "msgExpired"],
  ["messages_notify_sent", "Messages accepted with the notification flag", "msgSentNtf"],
  ["messages_notify_received", "Messages acknowledged with the notification flag", "msgRecvNtf"],
  ["messages_notify_get_sent", "Messages sent in answer to GET", "msgGet"],
  ["messages_notify_get_received", "Messages acknowledged after GET", "msgRecvGet"],
  ["queues_notify_created", "Notifiers created by NKEY", "ntfCreated"],
  ["queues_notify_new_created", "Notifiers created with their queues", "ntfNewCreated"],
  ["queues_notify_deleted", "Notifiers deleted", "ntfDeleted"],
  ["queues_notify_deleted_batch", "Blocks of notifier deletions", "ntfDeletedB"],
  ["messages_ntf_successes", "Notifications sent", "msgNtfs"],
  ["messages_ntf_successes_batch", "Batches of notifications", "msgNtfsB"],
  ["subscription_ntf_requests", "Subscriptions to notifiers", "ntfSub"],
  ["subscription_ntf_requests_batch", "Blocks of subscriptions to notifiers", "ntfSubB"],
  ["relay_messages_received", "Forwarded commands received from proxies", "pMsgFwdsRecv"],
  ["rcv_services_sub_msg_count", "First messages of services' queues, sent after SUBS", "rcvServicesSubMsg"],
  ["rcv_services_sub_duplicate_count", "Of these, left out because the queue had one", "rcvServicesSubDuplicate"],
]

/** Counters of one name with a `type` label. */
const TYPED: readonly (readonly [metric: string, help: string, types: Readonly<Record<string, Count<Statistics>>>])[] =
  [
    ["queues_deleted", "Queues deleted", { all: "qDeletedAll", new: "qDeletedNew", secured: "qDeletedSecured" }],
    [
      "subscribtion_errors",
      "Subscriptions refused or repeated",
      { auth: "qSubAuth", duplicate: "qSubDuplicate", prohibited: "qSubProhibited" },
    ],
    [
      "messages_sent_errors",
      "Messages refused",
      { auth: "msgSentAuth", quota: "msgSentQuota", large: "msgSentLarge", block: "msgSentBlock" },
    ],
    [
      "messages_notify_get_errors",
      "GETs without a message, refused or repeated",
      { nomsg: "msgGetNoMsg", auth: "msgGetAuth", duplicate: "msgGetDuplicate", prohibited: "msgGetProhibited" },
    ],
    ["messages_ntf_errors", "Notifications that were not sent", { expired: "msgNtfExpired" }],
    [
      "subscribtion_ntf_errors",
      "Subscriptions to notifiers refused or repeated",
      { auth: "ntfSubAuth", duplicate: "ntfSubDuplicate" },
    ],
  ]

const SERVICE_COUNTERS: readonly Entry<ServiceStatistics>[] = [
  ["assoc_new", "Queues associated with a service", "assocNew"],
  ["assoc_duplicate", "Associations repeated", "assocDuplicate"],
  ["assoc_updated", "Associations moved to another service", "assocUpdated"],
  ["assoc_removed", "Associations removed", "assocRemoved"],
  ["sub_count", "Subscriptions of services", "subCount"],
  ["sub_duplicate", "Always 0, as with the reference", "subDuplicate"],
]

const SERVICE_GAUGES: readonly Entry<ServiceStatistics>[] = [
  ["sub_queues", "Queues of services when they subscribed", "subQueues"],
  ["sub_end", "Always 0, as with the reference", "subEnd"],
  ["sub_ok", "Services that expected what the relay has", "subOk"],
  ["sub_more", "Services for which the relay has more queues", "subMore"],
  ["sub_fewer", "Services for which the relay has fewer queues", "subFewer"],
  ["sub_diff", "Services for which the relay has other queues", "subDiff"],
  ["sub_more_total", "Queues more than services expected", "subMoreTotal"],
  ["sub_fewer_total", "Queues fewer than services expected", "subFewerTotal"],
]

const NAME_COUNTERS: readonly Entry<NameStatistics>[] = [
  ["names_reqs", "Look-ups of names, all outcomes together", "requests"],
  ["names_success", "Names found", "success"],
  ["names_not_found", "Names not found", "notFound"],
  ["names_resolver_errs", "Look-ups that the resolver failed at", "resolverErrors"],
  ["names_disabled", "Look-ups refused for want of a resolver", "disabled"],
]

const PREFIX = "simplex_smp_"

export interface RelayMeters {
  readonly statistics: Statistics
  readonly delivery: Delivery
  readonly notifications: NotificationDelivery
  readonly services: ServiceSubscriptions
  readonly clients: ReadonlySet<unknown>
  readonly levels: DeliveryLevels
  /** Version of the program. */
  readonly version: string
  /** Read when scraped, as all that follows. */
  readonly counts: () => StoreCounts
  readonly sockets: () => readonly SocketCounts[]
}

/** Connections of one port. */
export interface SocketCounts {
  readonly port: number
  readonly accepted: number
  readonly closed: number
  readonly active: number
}

/** The same of a server with one port. */
export function socketCounts({ accepted, closed, levels }: ServerMetrics, port: number): SocketCounts {
  const active = Object.values(levels().connections).reduce((sum, count) => sum + count, 0)
  return { port, accepted: accepted.value, closed: closed.value, active }
}

/** Registers everything that the relay counts. Nothing in it can tell one client or queue from another. */
export function registerRelayMetrics(register: MetricsRegister, meters: RelayMeters): void {
  const { statistics, delivery, notifications, services, counts, clients } = meters
  for (const [metric, help, count] of COUNTERS) {
    register.counterFrom({ name: PREFIX + metric, help }, () => statistics[count])
  }
  for (const [metric, help, types] of TYPED) {
    for (const [type, count] of Object.entries(types)) {
      register.labelled({ type }).counterFrom({ name: PREFIX + metric, help }, () => statistics[count])
    }
  }
  const gauge = (metric: string, help: string, read: () => number): void =>
    register.gaugeFrom({ name: PREFIX + metric, help }, read)
  gauge("queues_total1", "Queues stored", () => counts().queues)
  gauge("queues_total2", "Queues stored, by the store", () => counts().queues)
  gauge("messages_total", "Messages stored", () => counts().messages)
  gauge("queues_notify_total1", "Notifications that wait for a subscriber", () => counts().notifications)
  gauge("queues_notify_total2", "Notifiers stored", () => counts().notifiers)
  gauge("rcv_services_count", "Services for messages, known", () => counts().messageServices)
  gauge("rcv_services_queues_count", "Queues of those services", () => counts().messageServiceQueues)
  gauge("ntf_services_count", "Services for notifications, known", () => counts().notificationServices)
  gauge("ntf_services_queues_count", "Queues of those services", () => counts().notificationServiceQueues)
  gauge("clients_total", "Connections", () => clients.size)
  gauge("subscribtion_total", "Queues with a subscriber", () => delivery.subscribed)
  gauge("subscription_ntf_total", "Notifiers with a subscriber", () => notifications.subscribed)
  gauge("subscribtion_services_total", "Services that receive messages", () => services.totals("messages").services)
  gauge("subscribtion_service_subs_total", "Queues of those services", () => services.totals("messages").queues)
  gauge(
    "subscribtion_nts_services_total",
    "Services that receive notifications",
    () => services.totals("notifications").services,
  )
  gauge(
    "subscription_ntf_service_subs_total",
    "Queues of those services",
    () => services.totals("notifications").queues,
  )
  registerServices(register, "rcv", statistics.rcvServices)
  registerServices(register, "ntf", statistics.ntfServices)
  for (const [metric, help, count] of NAME_COUNTERS) {
    register.counterFrom({ name: PREFIX + metric, help }, () => statistics.names[count])
  }
  registerActiveQueues(register, statistics)
  registerDeliveryMetrics(register, PREFIX, statistics, meters.levels)
  registerSockets(register, meters.sockets)
  register.gaugeFrom({ name: `${PREFIX}info`, help: "Always 1; the labels say what is running" }, () => [
    [{ version: meters.version, rts_options: "" }, 1],
  ])
}

/** Read from the statistics each time: a restart replaces the sketches there. */
function registerActiveQueues(register: MetricsRegister, statistics: Statistics): void {
  const gauge = (metric: string, help: string, read: () => DistinctCount): void =>
    register.gaugeFrom({ name: `${PREFIX}queues_${metric}`, help }, () => read().value)
  const notified = "Those among them with a message that has the notification flag"
  gauge("daily", "Queues with a SEND or ACK this day (UTC), estimated", () => statistics.active.day)
  gauge("weekly", "Queues with a SEND or ACK this ISO week, estimated", () => statistics.active.week)
  gauge("monthly", "Queues with a SEND or ACK this month, estimated", () => statistics.active.month)
  gauge("notify_daily", notified, () => statistics.activeNtf.day)
  gauge("notify_weekly", notified, () => statistics.activeNtf.week)
  gauge("notify_monthly", notified, () => statistics.activeNtf.month)
}

function registerSockets(register: MetricsRegister, sockets: () => readonly SocketCounts[]): void {
  const gauge = (metric: string, help: string, read: (counts: SocketCounts) => number): void =>
    register.gaugeFrom({ name: `${PREFIX}sockets_${metric}`, help }, () =>
      sockets().map((counts) => [{ port: String(counts.port) }, read(counts)] as const),
    )
  gauge("accepted", "Connections accepted since the start", ({ accepted }) => accepted)
  gauge("closed", "Of these, closed", ({ closed }) => closed)
  gauge("active", "Of these, present", ({ active }) => active)
  gauge("leaked", "Of these, neither; anything but 0 is a defect", (s) => s.accepted - s.closed - s.active)
}

function registerServices(register: MetricsRegister, kind: "rcv" | "ntf", statistics: ServiceStatistics): void {
  for (const [metric, help, count] of SERVICE_COUNTERS) {
    register.counterFrom({ name: `${PREFIX}${kind}_services_${metric}`, help }, () => statistics[count])
  }
  for (const [metric, help, count] of SERVICE_GAUGES) {
    register.gaugeFrom({ name: `${PREFIX}${kind}_services_${metric}`, help }, () => statistics[count])
  }
}
