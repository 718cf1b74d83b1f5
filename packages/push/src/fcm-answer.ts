import { outcomeOfStatus } from "./http2-outcome.ts"
import { DELIVERED, type PushOutcome } from "./provider.ts"

/** What an error of Google's interfaces says. */
interface FcmError {
  /** Of the FCM detail; else the general status. */
  readonly code: string
  /** There is a detail of FCM itself. */
  readonly detailed: boolean
  /** Fields of our request are at fault. */
  readonly badRequest: boolean
}

/**
 * What an answer of FCM means (notifications.md §8).
 * @param retryAfter the header of this name
 * @param now milliseconds since the epoch, which a date in that header is held against
 */
export function fcmOutcome(status: number, body: string, retryAfter: string | undefined, now: number): PushOutcome {
  if (status === 200) return DELIVERED
  const { code, detailed, badRequest } = errorOf(body)
  switch (status) {
    case 400:
      // Both a bad token and a bad payload are INVALID_ARGUMENT; only the details tell them apart.
      if (code === "INVALID_ARGUMENT" && detailed && !badRequest) return { outcome: "token-invalid", reason: "BAD" }
      return { outcome: "failed", cause: "payload" }
    case 403:
      if (code === "SENDER_ID_MISMATCH") return { outcome: "token-invalid", reason: "TOPIC" }
      return { outcome: "failed", cause: "configuration" }
    case 404:
      if (code === "UNREGISTERED") return { outcome: "token-invalid", reason: "UNREGISTERED" }
      // A project that does not exist is not the token's fault.
      return { outcome: "failed", cause: "configuration" }
    default:
      return outcomeOfStatus(status, retryAfter, now)
  }
}

/** The error code in an answer, empty if there is none. */
export function fcmCode(body: string): string {
  return errorOf(body).code
}

function errorOf(body: string): FcmError {
  const error = field(parse(body), "error")
  const list = field(error, "details")
  const details = Array.isArray(list) ? list : []
  const ofType = (name: string): unknown => details.find((detail) => String(field(detail, "@type")).endsWith(name))
  const fcm = ofType("/google.firebase.fcm.v1.FcmError")
  const badRequest = ofType("/google.rpc.BadRequest") !== undefined
  return {
    code: String(field(fcm, "errorCode") ?? field(error, "status") ?? ""),
    detailed: fcm !== undefined,
    badRequest,
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined // a proxy in between, or nothing
  }
}
