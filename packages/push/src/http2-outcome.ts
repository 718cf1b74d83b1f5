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

/** Waits without `Retry-After`, in milliseconds (notifications.md §8): for a limit, and for a server that is not well. */
const LIMIT_PAUSE = 60_000
const SERVER_PAUSE = 10_000

/**
 * What a status means wherever `Retry-After` is spoken (RFC 9110 §15, RFC 6585 §4): that we are not who we say, too many
 * requests, a server that is not well. All others are a refusal, redirects among them: whom a device trusts with its pushes
 * is not for others to change.
 * @param retryAfter the header of this name
 * @param now milliseconds since the epoch, which a date in that header is held against
 */
export function outcomeOfStatus(status: number, retryAfter: string | undefined, now: number): PushOutcome {
  switch (status) {
    case 401:
      return { outcome: "retry", cause: "credentials", afterMs: 0 }
    case 429:
      return { outcome: "retry", cause: "limited", afterMs: retryAfterMs(retryAfter, now, LIMIT_PAUSE) }
    case 500:
    case 502:
    case 503:
    case 504:
      return { outcome: "retry", cause: "unavailable", afterMs: retryAfterMs(retryAfter, now, SERVER_PAUSE) }
    default:
      return { outcome: "failed", cause: "refused" }
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
