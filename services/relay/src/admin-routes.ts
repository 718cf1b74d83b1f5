import type { AdminRequest, AdminResponse, AdminRoute } from "@sluice/ops/admin-server"
import type { Log } from "@sluice/ops/log"
import { OperatorError } from "@sluice/ops/operator-error"
import type { StoreCounts } from "@sluice/queue-store/queue-store"
import { StoreError } from "@sluice/queue-store/store-error"
import { queueRoutes } from "./admin-queue-routes.ts"
import { fields, refused } from "./admin-responses.ts"
import type { RelayContext } from "./context.ts"
import type { DailyStatistics } from "./daily-statistics.ts"
import { Moderation } from "./moderation.ts"
import { countSessions } from "./session-counts.ts"
import type { Snapshots } from "./snapshots.ts"

/** What administrators work with. */
export interface AdminParts {
  readonly relay: RelayContext
  /** Queues blocked per day at the most; 0 is no limit, −1 forbids blocking. */
  readonly dailyBlocks: number
  readonly daily: DailyStatistics
  readonly counts: () => StoreCounts
  readonly snapshots: Pick<Snapshots, "take">
  /** Key hash of the relay's addresses, 32 bytes. */
  readonly fingerprint: () => Uint8Array
  /** Takes over new certificates; rejects with `OperatorError` for bad ones. */
  readonly reload: () => Promise<void>
  /** Begins to end all sessions, and accepts no more. */
  readonly drain: () => void
  readonly log: Log
}

/**
 * The routes below `/admin`. What is done through them is logged, without the IDs of queues; these stand in bodies and
 * never in paths, which proxies like to log.
 */
export function adminRoutes(parts: AdminParts): AdminRoute[] {
  const { relay, daily, log } = parts
  const moderation = new Moderation(relay, {
    dailyBlocks: parts.dailyBlocks,
    blockedToday: () => daily.today.relay.qBlocked,
  })
  const routes: AdminRoute[] = [
    { method: "GET", path: "/statistics", handle: () => ({ body: statistics(parts) }) },
    { method: "GET", path: "/sessions", handle: () => ({ body: countSessions(relay) }) },
    ...queueRoutes({ relay, moderation, fingerprint: parts.fingerprint, log }),
    { method: "POST", path: "/snapshot", handle: (request) => snapshot(parts, request) },
    { method: "POST", path: "/certificates/reload", handle: () => reload(parts) },
    { method: "POST", path: "/drain", handle: () => drain(parts) },
  ]
  return routes.map((route) => ({ ...route, handle: (request) => guarded(relay, () => route.handle(request)) }))
}

/** What goes wrong in the store is told as such; whatever else is thrown is a defect. */
async function guarded(relay: RelayContext, run: () => AdminResponse | Promise<AdminResponse>): Promise<AdminResponse> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof OperatorError) return { status: 422, body: { error: error.message } }
    if (!(error instanceof StoreError)) throw error
    relay.storeFailed(error)
    return { status: 503, body: { error: `the store failed: ${error.problem.operation}` } }
  }
}

function statistics({ relay, daily, counts }: AdminParts): object {
  const { active, activeNtf } = relay.statistics
  const levels = (of: typeof active): object => ({ day: of.day.value, week: of.week.value, month: of.month.value })
  return {
    day: daily.from.toISOString().slice(0, 10),
    today: daily.today,
    sinceStart: daily.sinceStart,
    services: daily.services,
    activeQueues: levels(active),
    activeQueuesWithNotifications: levels(activeNtf),
    stored: counts(),
  }
}

async function snapshot({ snapshots, log }: AdminParts, { body }: AdminRequest): Promise<AdminResponse> {
  const { name } = fields(body)
  if (name !== undefined && typeof name !== "string") return refused(400, "name: allowed: a text")
  const taken = await snapshots.take(name)
  switch (taken.result) {
    case "written":
      log.info("an administrator took a snapshot of the store", { ms: taken.ms })
      return { body: { folder: taken.folder, ms: taken.ms } }
    case "bad-name":
      return refused(400, "name: allowed: up to 64 letters, digits, - and _, the first no - or _")
    case "exists":
      return refused(409, "there is a snapshot of that name already")
    case "busy":
      return refused(409, "a snapshot is being written")
    case "not-embedded":
      return refused(409, "only the embedded store makes snapshots")
    default:
      return taken satisfies never
  }
}

async function reload({ reload: takeOver, log }: AdminParts): Promise<AdminResponse> {
  await takeOver()
  log.info("an administrator reloaded the certificates")
  return { body: { result: "reloaded" } }
}

function drain({ drain: begin, relay, log }: AdminParts): AdminResponse {
  log.info("an administrator drains this relay", { sessions: relay.clients.size })
  begin()
  return { status: 202, body: { result: "draining", sessions: relay.clients.size } }
}
