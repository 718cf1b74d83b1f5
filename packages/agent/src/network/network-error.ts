import type { Server } from "@sluice/encoding/server-address"
import { type ClientProblem, isClientError } from "@sluice/smp-client/client-error"
import type { BrokerError } from "@sluice/smp-protocol/errors"
import { AgentError, type AgentProblem } from "../errors.ts"
import { AgentStoreError } from "../store/agent-store.ts"

/** Where a command was sent. */
export interface SentTo {
  readonly server: Server
  /** Present when it went through one. */
  readonly proxy?: Server | undefined
}

/** What the agent calls a failure of the client below it; everything else passes unchanged. */
export function networkError(error: unknown, to: SentTo): unknown {
  return isClientError(error) ? new AgentError(problemOf(error.problem, to), { cause: error }) : error
}

function problemOf(problem: ClientProblem, to: SentTo): AgentProblem {
  // An error may be shown or logged: the password of an address is not for that.
  const server = withoutPassword(to.server)
  const proxy = to.proxy && withoutPassword(to.proxy)
  if (problem.code === "ERR") {
    const { error, from } = problem
    return from === "proxy" && proxy !== undefined
      ? { code: "PROXY", proxy, relay: server, error }
      : { code: "SMP", server, error }
  }
  if (problem.code === "UNENCODABLE") return { code: "CMD", reason: "SYNTAX", context: problem.command }
  if (problem.code === "TOO_LARGE") return { code: "CMD", reason: "LARGE", context: problem.command }
  // What is wrong with a connection is wrong with that to the proxy, where there is one.
  return { code: "BROKER", server: proxy ?? server, error: brokerError(problem) }
}

/** Only what finds a server, without what opens it. */
export function withoutPassword({ hosts, port, keyHash }: Server): Server {
  return { hosts, port, keyHash }
}

function brokerError(
  problem: Exclude<ClientProblem, { readonly code: "ERR" | "TOO_LARGE" | "UNENCODABLE" }>,
): BrokerError {
  switch (problem.code) {
    case "UNEXPECTED":
      return { type: "UNEXPECTED", text: problem.answer }
    case "UNPARSABLE":
    case "CRYPTO":
      return { type: "RESPONSE", text: problem.code }
    case "TIMEOUT":
      return { type: "TIMEOUT" }
    case "UNSUPPORTED":
      return { type: "TRANSPORT", error: "VERSION" }
    case "TRANSPORT":
      return { type: "TRANSPORT", error: problem.error }
    case "NO_SERVER_KEY":
      return { type: "TRANSPORT", error: "NO_AUTH" }
    case "NOT_A_SERVICE":
      return { type: "NO_SERVICE" }
    case "CONNECT":
      return { type: "NETWORK", error: connectFailure(problem.stage) }
    case "LOST":
    case "CLOSED":
    case "BUSY":
      return { type: "NETWORK", error: { type: "FAILED" } }
  }
}

function connectFailure(stage: string): Extract<BrokerError, { type: "NETWORK" }>["error"] {
  if (stage === "IDENTITY") return { type: "UNKNOWNCA" }
  return stage === "TIMEOUT" ? { type: "TIMEOUT" } : { type: "CONNECT", text: stage }
}

/** Every failure as an {@link AgentError}, for events. */
export function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error
  if (error instanceof AgentStoreError)
    return new AgentError({ code: "STORE", problem: error.problem }, { cause: error })
  const text = error instanceof Error ? error.name : "unknown failure"
  return new AgentError({ code: "INTERNAL", text }, { cause: error })
}
