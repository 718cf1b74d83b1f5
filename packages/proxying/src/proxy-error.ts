import { type ClientProblem, type ConnectStage, SmpClientError } from "@sluice/smp-client/client-error"
import { encodeSmpError } from "@sluice/smp-protocol/error-wire"
import type { BrokerError, NetworkError, SmpError, TransportErrorCode } from "@sluice/smp-protocol/errors"
import { VERSION } from "@sluice/smp-protocol/versions"

/*
 * What a client is told when the proxy could not use a relay (proxy.md §4, §7). The details of network errors are kept
 * for counting and debugging; the encoder leaves them out.
 */

/** `PRXY` was refused: no password, a wrong one, or proxying is switched off. */
export const BASIC_AUTH: SmpError = { type: "PROXY", error: { type: "BASIC_AUTH" } }

/** `PFWD` names a session that is not there, or not any more. */
export const NO_SESSION: SmpError = { type: "PROXY", error: { type: "NO_SESSION" } }

/** No answer in time, or the proxy has no room for more that waits for one. */
export const TIMED_OUT: SmpError = brokerError({ type: "TIMEOUT" })

/** The relay has no host that the proxy may use. */
export const NO_HOST: SmpError = brokerError({ type: "HOST" })

/** The relay's connection is too old for proxying. */
export const OLD_VERSION: SmpError = transportError("VERSION")

/** The relay gave no key for layer 2. */
export const NO_KEY: SmpError = transportError("NO_AUTH")

export function networkError(error: NetworkError): SmpError {
  return brokerError({ type: "NETWORK", error })
}

/** Longest text of `BROKER UNEXPECTED`, in characters. */
const MAX_UNEXPECTED_TEXT = 32

/** The relay answered something that is no answer to what it was asked. */
export function unexpectedAnswer(what: string): SmpError {
  return brokerError({ type: "UNEXPECTED", text: what.slice(0, MAX_UNEXPECTED_TEXT) })
}

/** The relay's answer could not be read; `what` is the error that it would be answered with. */
export function unreadableAnswer(what: string): SmpError {
  return brokerError({ type: "RESPONSE", text: what })
}

/** Longest error of a relay that is passed on, in bytes. All real ones are far shorter, but it has to fit a block. */
const MAX_ERROR_LENGTH = 4096

/** The relay answered the proxy with an error in clear. */
export function relayError(error: SmpError): SmpError {
  if (encodeSmpError(error).length > MAX_ERROR_LENGTH) return unexpectedAnswer("ERR")
  return { type: "PROXY", error: { type: "PROTOCOL", error } }
}

/** What a failed attempt to connect, or a failed request, is called. Everything that is not the client's is INTERNAL. */
export function failureOf(error: unknown): SmpError {
  return error instanceof SmpClientError ? problemError(error.problem) : { type: "INTERNAL" }
}

function problemError(problem: ClientProblem): SmpError {
  switch (problem.code) {
    case "ERR":
      return relayError(problem.error)
    case "UNEXPECTED":
      return unexpectedAnswer(problem.answer)
    case "UNPARSABLE":
      return unreadableAnswer("CMD SYNTAX")
    case "CRYPTO":
      return { type: "CRYPTO" }
    // A request whose connection ends would have had no answer in time; there is no use in waiting for that time.
    case "LOST":
    case "CLOSED":
    case "TIMEOUT":
    case "BUSY":
      return TIMED_OUT
    case "UNSUPPORTED":
      return problem.version < VERSION.PROXY ? OLD_VERSION : { type: "INTERNAL" }
    case "TOO_LARGE":
      return transportError("LARGE_MSG")
    case "NO_SERVER_KEY":
      return NO_KEY
    case "NOT_A_SERVICE":
      return brokerError({ type: "NO_SERVICE" })
    case "UNENCODABLE":
      return { type: "INTERNAL" }
    case "CONNECT":
      return networkError(STAGES[problem.stage])
    case "TRANSPORT":
      return transportError(problem.error)
    default:
      return problem satisfies never
  }
}

const STAGES: Readonly<Record<ConnectStage, NetworkError>> = {
  DIAL: { type: "CONNECT", text: "failed" },
  TLS: { type: "TLS", text: "failed" },
  IDENTITY: { type: "UNKNOWNCA" },
  TIMEOUT: { type: "TIMEOUT" },
  CLOSED: { type: "FAILED" },
}

function transportError(error: TransportErrorCode): SmpError {
  return brokerError({ type: "TRANSPORT", error })
}

function brokerError(error: BrokerError): SmpError {
  return { type: "PROXY", error: { type: "BROKER", error } }
}

/** How a failure is counted (proxy.md §9). */
export type FailureKind = "connect" | "compat" | "other"

/** The kind of a failed `PRXY`. */
export function sessionFailureKind(error: SmpError): FailureKind {
  if (error.type === "INTERNAL") return "connect"
  const broker = brokerErrorOf(error)
  if (broker?.type === "NETWORK" || broker?.type === "TIMEOUT") return "connect"
  return isIncompatible(broker) ? "compat" : "other"
}

/** The kind of a failed `PFWD`. */
export function messageFailureKind(error: SmpError): FailureKind {
  if (error.type === "PROXY" && error.error.type === "NO_SESSION") return "connect"
  const broker = brokerErrorOf(error)
  return broker?.type === "TRANSPORT" && broker.error === "VERSION" ? "compat" : "other"
}

function isIncompatible(broker: BrokerError | undefined): boolean {
  return broker?.type === "TRANSPORT" && (broker.error === "VERSION" || broker.error === "NO_AUTH")
}

function brokerErrorOf(error: SmpError): BrokerError | undefined {
  return error.type === "PROXY" && error.error.type === "BROKER" ? error.error.error : undefined
}
