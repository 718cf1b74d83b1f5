import { DELIVERED, type PushOutcome, type TokenProblem } from "./provider.ts"

/** Pause before the second attempt after 429 and 500, in milliseconds (notifications.md §6.4). */
const PAUSE = 1_000

/** What Apple says about a token, by status and reason. */
const TOKEN_PROBLEMS: Readonly<Record<string, TokenProblem>> = {
  "400 BadDeviceToken": "BAD",
  "400 DeviceTokenNotForTopic": "TOPIC",
  "410 ExpiredToken": "EXPIRED",
  "410 Unregistered": "UNREGISTERED",
}

/** Reasons with status 400 and 403 that the operator can mend: topic, certificate, key, team. */
const CONFIGURATION = /Topic|ProviderToken|Certificate|^BadEnvironmentKeyInToken$|^Forbidden$/

/** What an answer of APNs means (notifications.md §6.4). A body that is not its JSON counts as an empty reason. */
export function apnsOutcome(status: number, body: string): PushOutcome {
  if (status === 200) return DELIVERED
  const reason = apnsReason(body)
  const problem = TOKEN_PROBLEMS[`${status} ${reason}`]
  if (problem !== undefined) return { outcome: "token-invalid", reason: problem }
  switch (status) {
    case 400:
      return { outcome: "failed", cause: CONFIGURATION.test(reason) ? "configuration" : "payload" }
    case 403:
      if (reason === "ExpiredProviderToken") return { outcome: "retry", cause: "credentials", afterMs: 0 }
      return { outcome: "failed", cause: "configuration" }
    case 410:
      return { outcome: "retry", cause: "unavailable", afterMs: 0 }
    case 413:
      return { outcome: "retry", cause: "too-large", afterMs: 0 }
    case 429:
      return { outcome: "retry", cause: "limited", afterMs: PAUSE }
    case 500:
      return { outcome: "retry", cause: "unavailable", afterMs: PAUSE }
    case 503:
      return { outcome: "retry", cause: "unavailable", afterMs: 0 }
    default:
      return { outcome: "failed", cause: "refused" }
  }
}

/** The reason in an answer, empty if there is none. */
export function apnsReason(body: string): string {
  try {
    const value: unknown = JSON.parse(body)
    const reason = typeof value === "object" && value !== null && "reason" in value ? value.reason : ""
    return typeof reason === "string" ? reason : ""
  } catch {
    return "" // a proxy in between, or nothing
  }
}
