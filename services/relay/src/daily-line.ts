import type { StoreCounts } from "@sluice/queue-store/queue-store"
import type { Count } from "./metrics.ts"
import type { NameStatistics, ServiceStatistics, Statistics } from "./statistics.ts"

/** Outcomes of proxy commands (proxy.md §9). */
export interface ProxyOutcomes {
  readonly requests: number
  readonly successes: number
  readonly errorsConnect: number
  readonly errorsCompat: number
  readonly errorsOther: number
}

/** Proxy commands: PRXY (`relays`) and PFWD (`forwards`), of all relays and of those that are the operator's own. */
export type ProxyFigures = Readonly<Record<"relays" | "relaysOwn" | "forwards" | "forwardsOwn", ProxyOutcomes>>

/** Queues in use; the week's and the month's figure only in the line of their last day. */
export interface ActiveFigures {
  readonly day: number
  readonly week?: number
  readonly month?: number
}

/** What is counted from one daily line to the next. */
export interface DayCounts extends ProxyFigures {
  readonly relay: Readonly<Record<Count<Statistics>, number>>
  readonly names: Readonly<Record<Count<NameStatistics>, number>>
}

/** What is counted for services, and never begins anew. */
export type ServiceCounts = Readonly<Record<"rcvServices" | "ntfServices", Record<Count<ServiceStatistics>, number>>>

/** Everything that a daily line is made from: counters of the day, and levels at its end. */
export interface DayFigures {
  /** First day of the period. */
  readonly from: Date
  readonly day: DayCounts
  readonly services: ServiceCounts
  readonly active: ActiveFigures
  readonly activeNtf: ActiveFigures
  readonly counts: StoreCounts
}

type Cell = string | number | undefined

/** In place of counters that the reference does not count any more. */
const ZERO = 0

/** One line of the daily CSV, 101 columns in the reference's order (relay-operations.md §6); without the line break. */
export function dailyLine(figures: DayFigures): string {
  const { day, services, active, activeNtf, counts } = figures
  const { relay: c, names } = day
  const cells: Cell[] = [
    figures.from.toISOString().slice(0, 10),
    ...[c.qCreated, c.qSecured, c.qDeletedAll, c.msgSent, c.msgRecv],
    ...[active.day, active.week, active.month],
    ...[c.msgSentNtf, c.msgRecvNtf],
    ...[activeNtf.day, activeNtf.week, activeNtf.month],
    ...[counts.queues, counts.messages, c.msgExpired, c.qDeletedNew, c.qDeletedSecured],
    ...outcomes(day.relays),
    ...outcomes(day.relaysOwn),
    ...outcomes(day.forwards),
    ...outcomes(day.forwardsOwn),
    c.pMsgFwdsRecv,
    ...[c.qSub, c.qSubAuth, c.qSubDuplicate, c.qSubProhibited],
    ...[c.msgSentAuth, c.msgSentQuota, c.msgSentLarge],
    ...[c.msgNtfs, ZERO, ZERO],
    ZERO,
    ...[c.msgRecvGet, c.msgGet, c.msgGetNoMsg, c.msgGetAuth, c.msgGetDuplicate, c.msgGetProhibited],
    ...[ZERO, ZERO, ZERO],
    counts.queues,
    ...[c.ntfCreated, c.ntfDeleted, c.ntfSub, c.ntfSubAuth, c.ntfSubDuplicate],
    counts.notifiers,
    ...[c.qDeletedAllB, c.qSubAllB, c.qSubEnd, c.qSubEndB, c.ntfDeletedB, c.ntfSubB, c.msgNtfsB, c.msgNtfExpired],
    counts.notifications,
    ...[counts.messageServices, counts.notificationServices],
    ...[counts.messageServiceQueues, counts.notificationServiceQueues],
    ...service(services.rcvServices),
    ...service(services.ntfServices),
    ...[names.requests, names.success, names.notFound, names.resolverErrors, names.disabled],
  ]
  return cells.map((cell) => cell ?? "").join(",")
}

function outcomes(o: ProxyOutcomes): Cell[] {
  return [o.requests, o.successes, o.errorsConnect, o.errorsCompat, o.errorsOther]
}

function service(s: Readonly<Record<Count<ServiceStatistics>, number>>): Cell[] {
  return [
    s.assocNew,
    s.assocDuplicate,
    s.assocUpdated,
    s.assocRemoved,
    s.subCount,
    s.subDuplicate,
    s.subQueues,
    s.subEnd,
  ]
}
