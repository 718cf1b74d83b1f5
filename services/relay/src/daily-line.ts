import type { StoreCounts } from "@sluice/queue-store/queue-store"
import type { Count } from "./metrics.ts"
import type { ServiceStatistics, Statistics } from "./statistics.ts"

/** Outcomes of proxy commands (proxy.md §9). */
export interface ProxyOutcomes {
  readonly requests: number
  readonly successes: number
  readonly errorsConnect: number
  readonly errorsCompat: number
  readonly errorsOther: number
}

/** Everything that a daily line is made from: counters of the day, and levels at its end. */
export interface DayFigures {
  /** First day of the period. */
  readonly from: Date
  readonly counters: Readonly<Record<Count<Statistics>, number>>
  readonly rcvServices: Readonly<Record<Count<ServiceStatistics>, number>>
  readonly ntfServices: Readonly<Record<Count<ServiceStatistics>, number>>
  readonly active: { readonly day: number; readonly week?: number; readonly month?: number }
  readonly activeNtf: { readonly day: number; readonly week?: number; readonly month?: number }
  readonly counts: StoreCounts
  readonly services: {
    readonly rcv: number
    readonly ntf: number
    readonly rcvQueues: number
    readonly ntfQueues: number
  }
  readonly proxy: Readonly<Record<"relays" | "relaysOwn" | "forwards" | "forwardsOwn", ProxyOutcomes>>
  readonly names: { requests: number; success: number; notFound: number; resolverErrors: number; disabled: number }
}

type Cell = string | number | undefined

const ZERO = 0

/** One line of the daily CSV, 101 columns in the reference's order (relay-operations.md §6); without the line break. */
export function dailyLine(figures: DayFigures): string {
  const { counters: c, active, activeNtf, counts, services, proxy, names } = figures
  const cells: Cell[] = [
    figures.from.toISOString().slice(0, 10),
    ...[c.qCreated, c.qSecured, c.qDeletedAll, c.msgSent, c.msgRecv],
    ...[active.day, active.week, active.month],
    ...[c.msgSentNtf, c.msgRecvNtf],
    ...[activeNtf.day, activeNtf.week, activeNtf.month],
    ...[counts.queues, counts.messages, c.msgExpired, c.qDeletedNew, c.qDeletedSecured],
    ...outcomes(proxy.relays),
    ...outcomes(proxy.relaysOwn),
    ...outcomes(proxy.forwards),
    ...outcomes(proxy.forwardsOwn),
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
    ...[services.rcv, services.ntf, services.rcvQueues, services.ntfQueues],
    ...service(figures.rcvServices),
    ...service(figures.ntfServices),
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
