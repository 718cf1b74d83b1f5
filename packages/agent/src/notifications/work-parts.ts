import type { AgentBase } from "../core/base.ts"
import type { Connections } from "../core/connections.ts"
import { isWorthRetrying } from "../errors.ts"
import { asAgentError } from "../network/network-error.ts"
import type { SessionPool } from "../network/session-pool.ts"
import type { NtfSessions } from "./ntf-sessions.ts"
import type { SubscriptionRecord } from "./records.ts"
import { finished, type SubscriptionRows } from "./subscription-rows.ts"
import type { Tokens } from "./tokens.ts"

/** What the work on subscriptions needs. */
export interface WorkParts extends Pick<AgentBase, "store" | "crypto" | "clock" | "events"> {
  readonly pool: SessionPool
  readonly connections: Connections
  readonly sessions: NtfSessions
  readonly rows: SubscriptionRows
  readonly tokens: Tokens
  /** Lets the worker of a row look at it. */
  readonly wake: (row: SubscriptionRecord) => void
}

/**
 * Whether a failed action is to be tried again. If not, its row waits until notifications of the connection are wanted
 * anew, and the user is told.
 */
export async function failed({ events, rows }: WorkParts, row: SubscriptionRecord, reason: unknown): Promise<boolean> {
  const error = asAgentError(reason)
  if (isWorthRetrying(error.problem)) return true
  const { connectionId } = row
  const now = rows.get(connectionId)
  if (error.problem.code === "CONN" && error.problem.reason === "NOT_FOUND") {
    await rows.remove(connectionId)
    return false
  }
  if (now !== undefined) await rows.put(finished(now, { action: undefined }))
  events.emit({ type: "error", connectionId, error })
  return false
}
