import { outcomeOfStatus } from "./http2-outcome.ts"
import { DELIVERED, type PushOutcome } from "./provider.ts"

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
    case 403:
      // Made for the key of another server: nothing that another attempt would change.
      return { outcome: "failed", cause: "configuration" }
    default:
      return outcomeOfStatus(status, retryAfter, now)
  }
}
