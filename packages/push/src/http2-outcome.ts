import { Http2RequestError } from "./http2-problem.ts"
import type { PushOutcome } from "./provider.ts"

/** What becomes of a push that got no answer. Anything but an {@link Http2RequestError} is a mistake here and thrown on. */
export function outcomeOfProblem(error: unknown): PushOutcome {
  if (!(error instanceof Http2RequestError)) throw error
  const { problem, afterMs } = error
  switch (problem) {
    case "connection":
    case "timeout":
      return { outcome: "retry", cause: problem, afterMs }
    case "overload":
      return { outcome: "retry", cause: "limited", afterMs: 1_000 }
    case "aborted":
    case "closed":
      return { outcome: "failed", cause: "unavailable" }
  }
}

/**
 * `Retry-After` (RFC 9110 §10.2.3), seconds or a date, in milliseconds from `now`; `otherwise` if it is not there or
 * cannot be read. At most an hour: nobody waits longer for a push.
 */
export function retryAfterMs(value: string | undefined, now: number, otherwise: number): number {
  const text = value?.trim() ?? ""
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isNaN(wait) ? otherwise : Math.min(Math.max(0, wait), 3_600_000)
}
