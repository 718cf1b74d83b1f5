import { retryAfterMs } from "./http2-outcome.ts"
import { DELIVERED, type PushOutcome } from "./provider.ts"

/** Waits without `Retry-After`, in milliseconds. */
const LIMIT_PAUSE = 60_000
const SERVER_PAUSE = 10_000

/**
 * What the status of a push service means (RFC 8030 §5 and §8, RFC 8292 §4.2).
 * @param retryAfter the header of this name
 * @param now milliseconds since the epoch, which a date in that header is held against
 */
export function webPushOutcome(status: number, retryAfter: string | undefined, now: number): PushOutcome {
  switch (status) {
    case 200:
    case 201:
    case 202:
    case 204:
      return DELIVERED
    case 404:
    case 410:
      return { outcome: "token-invalid", reason: "UNREGISTERED" }
    case 400:
    case 413:
      return { outcome: "failed", cause: "payload" }
    case 401:
      return { outcome: "retry", cause: "credentials", afterMs: 0 }
    case 403:
      // Made for the key of another server: nothing that another attempt would change.
      return { outcome: "failed", cause: "configuration" }
    case 429:
      return { outcome: "retry", cause: "limited", afterMs: retryAfterMs(retryAfter, now, LIMIT_PAUSE) }
    case 500:
    case 502:
    case 503:
    case 504:
      return { outcome: "retry", cause: "unavailable", afterMs: retryAfterMs(retryAfter, now, SERVER_PAUSE) }
    default:
      // Redirects among them: whom a device trusts with its pushes is not for others to change.
      return { outcome: "failed", cause: "refused" }
  }
}
