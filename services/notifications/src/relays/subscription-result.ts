import { equalBytes } from "@sluice/encoding/bytes"
import type { SubscriptionStatus } from "@sluice/ntf-protocol/status"
import { type ClientProblem, errorWords, SmpClientError } from "@sluice/smp-client/client-error"
import type { Subscribed } from "@sluice/smp-client/queue-types"
import type { Outcome } from "@sluice/smp-client/request"
import type { EntityId } from "@sluice/smp-protocol/types"

/** What an answer to `NSUB` means for the subscription; `again` leaves it as it is, to be tried once more. */
export type SubscriptionResult = { readonly status: SubscriptionStatus; readonly associated: boolean } | "again"

/** The row of notifications.md §5.2 for an outcome, in a session with this service of ours. */
export function subscriptionResult(outcome: Outcome<Subscribed>, own: EntityId | undefined): SubscriptionResult {
  if (outcome.ok) {
    const { serviceId } = outcome.value
    const associated = own !== undefined && serviceId !== undefined && equalBytes(serviceId, own)
    return { status: { type: "ACTIVE" }, associated }
  }
  const { error } = outcome
  if (!(error instanceof SmpClientError)) throw error
  const status = statusOf(error.problem)
  return status === undefined ? "again" : { status, associated: false }
}

function statusOf(problem: ClientProblem): SubscriptionStatus | undefined {
  switch (problem.code) {
    case "ERR":
      if (problem.error.type === "AUTH") return { type: "AUTH" }
      if (problem.error.type === "SERVICE") return { type: "SERVICE" }
      return failed(`SMP error ${errorWords(problem.error)}`)
    case "NOT_A_SERVICE":
      return { type: "SERVICE" }
    case "UNEXPECTED":
      return failed(`UnexpectedResponse ${problem.answer}`)
    case "UNPARSABLE":
      return failed("ResponseError")
    case "TRANSPORT":
      return failed(`TransportError ${problem.error}`)
    case "CRYPTO":
    case "NO_SERVER_KEY":
      return failed("CryptoError")
    case "UNSUPPORTED":
    case "TOO_LARGE":
    case "UNENCODABLE":
      return failed("IncompatibleQueue")
    case "TIMEOUT":
    case "BUSY":
    case "CONNECT":
    case "LOST":
    case "CLOSED":
      return undefined
  }
}

/** The status when no host of the relay's address may be connected to. */
export const NO_HOST: SubscriptionStatus = failed("IncompatibleHost")

function failed(text: string): SubscriptionStatus {
  return { type: "ERR", text }
}
