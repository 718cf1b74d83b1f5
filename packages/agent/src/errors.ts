import type { Server } from "@sluice/encoding/server-address"
import type { BrokerError, SmpError } from "@sluice/smp-protocol/errors"
import type { AgentStoreProblem } from "./store/agent-store.ts"

/** What the agent of the peer did wrong, or what is wrong with what it sent (agent.md §18). */
export type PeerError =
  /** It can not be read. */
  | { readonly type: "A_MESSAGE" }
  /** It does not belong here. */
  | { readonly type: "A_PROHIBITED"; readonly text: string }
  /** It is of a version that both do not have in common. */
  | { readonly type: "A_VERSION" }
  /** What is behind a short link does not belong there: its hash, a signature or an owner is wrong. */
  | { readonly type: "A_LINK"; readonly text: string }
  /** It can not be decrypted. */
  | { readonly type: "A_CRYPTO"; readonly error: CryptoFailure }
  /** It came before. `dropped` names a message that the user never acknowledged. */
  | {
      readonly type: "A_DUPLICATE"
      readonly dropped?: { readonly messageId: number; readonly attempts: number } | undefined
    }
  /** It does not fit to the queues of the connection. */
  | { readonly type: "A_QUEUE"; readonly text: string }

/** Which box could not be opened, or how a message does not fit to the ratchet (crypto.md §11). */
export type CryptoFailure =
  | { readonly type: "DECRYPT_AES" | "DECRYPT_CB" | "RATCHET_HEADER" | "RATCHET_SYNC" }
  | { readonly type: "RATCHET_EARLIER" | "RATCHET_SKIPPED"; readonly count: number }

/** What can go wrong with a call or a connection; `code` tells which (agent.md §18). */
export type AgentProblem =
  /** The call is not possible now, or never: `PROHIBITED` by the state, `SYNTAX`, `LARGE`. */
  | { readonly code: "CMD"; readonly reason: "PROHIBITED" | "SYNTAX" | "LARGE"; readonly context: string }
  /**
   * The connection is not there (`NOT_FOUND`), is there already (`DUPLICATE`), can not do this, or not yet (`SIMPLEX`), or
   * its peer has chosen somebody else (`NOT_ACCEPTED`) or is gone (`NOT_AVAILABLE`).
   */
  | { readonly code: "CONN"; readonly reason: "NOT_FOUND" | "DUPLICATE" | "SIMPLEX" | "NOT_ACCEPTED" | "NOT_AVAILABLE" }
  /** No such user, or one that is being deleted. */
  | { readonly code: "NO_USER" }
  /** The user has no server for this. */
  | { readonly code: "NO_SERVERS" | "NO_NAME_SERVERS" }
  /** The agent was suspended or closed. */
  | { readonly code: "INACTIVE" }
  /** A relay answered with an error. */
  | { readonly code: "SMP"; readonly server: Server; readonly error: SmpError }
  /** A proxy answered with an error: its own, or one with the relay. */
  | { readonly code: "PROXY"; readonly proxy: Server; readonly relay: Server; readonly error: SmpError }
  /** A notification server answered with an error. */
  | { readonly code: "NTF"; readonly server: Server; readonly error: SmpError }
  /** A server could not be used. */
  | { readonly code: "BROKER"; readonly server: Server; readonly error: BrokerError }
  /** The peer's agent did something wrong. */
  | { readonly code: "AGENT"; readonly error: PeerError }
  | { readonly code: "STORE"; readonly problem: AgentStoreProblem }
  /** None of these; most often a defect of this program. */
  | { readonly code: "INTERNAL"; readonly text: string }

/** The error of every call of the agent, except that an aborted call rejects with the reason of its signal. */
export class AgentError extends Error {
  override readonly name = "AgentError"
  readonly problem: AgentProblem

  constructor(problem: AgentProblem, options?: ErrorOptions) {
    super(describe(problem), options)
    this.problem = problem
  }

  /** Whether the same may succeed later. */
  get temporary(): boolean {
    return isTemporary(this.problem)
  }
}

/** The error for a call that the present state does not allow. `context` is fixed text, without anything of the user. */
export function prohibited(context: string): AgentError {
  return new AgentError({ code: "CMD", reason: "PROHIBITED", context })
}

/** The error for something that the peer has sent. */
export function peerError(error: PeerError): AgentError {
  return new AgentError({ code: "AGENT", error })
}

/** Errors that a later attempt may not meet: network, time-outs, a store or a session that is away for now. */
export function isTemporary(problem: AgentProblem): boolean {
  switch (problem.code) {
    case "BROKER":
      return brokerTemporary(problem.error)
    case "SMP":
    case "NTF":
      return problem.error.type === "STORE"
    case "PROXY":
      return proxyTemporary(problem.error)
    case "INACTIVE":
      return true
    case "STORE":
      return problem.problem.code === "FAILED"
    default:
      return false
  }
}

/** Errors of a host that can not be used with these settings, or of versions: another server may do (agent.md §18). */
export function isHostError(problem: AgentProblem): boolean {
  if (problem.code === "BROKER") return brokerHost(problem.error)
  if (problem.code !== "PROXY" || problem.error.type !== "PROXY") return false
  const { error } = problem.error
  return error.type === "BROKER" && brokerHost(error.error)
}

/** Errors after which the agent tries again by itself: the same may succeed later, or with another server or setting. */
export function isWorthRetrying(problem: AgentProblem): boolean {
  return isTemporary(problem) || isHostError(problem)
}

function brokerTemporary(error: BrokerError): boolean {
  if (error.type === "NETWORK") return error.error.type !== "UNKNOWNCA"
  return error.type === "TIMEOUT" || (error.type === "TRANSPORT" && error.error === "HANDSHAKE BAD_SERVICE")
}

function brokerHost(error: BrokerError): boolean {
  return error.type === "HOST" || (error.type === "TRANSPORT" && error.error === "VERSION")
}

function proxyTemporary(error: SmpError): boolean {
  if (error.type === "STORE") return true
  if (error.type !== "PROXY") return false
  const inner = error.error
  if (inner.type === "NO_SESSION") return true
  if (inner.type === "BROKER") return brokerTemporary(inner.error)
  return inner.type === "PROTOCOL" && proxyTemporary(inner.error)
}

/** Fixed words only: an error may end up in a log, and no address or id may. */
function describe(problem: AgentProblem): string {
  switch (problem.code) {
    case "CMD":
      return `${problem.reason}: ${problem.context}`
    case "CONN":
      return `connection: ${problem.reason}`
    case "SMP":
      return `the relay answered ${problem.error.type}`
    case "NTF":
      return `the notification server answered ${problem.error.type}`
    case "PROXY":
      return `the proxy answered ${problem.error.type}`
    case "BROKER":
      return `the server can not be used: ${problem.error.type}`
    case "AGENT":
      return `the peer's agent: ${problem.error.type}${"text" in problem.error ? ` ${problem.error.text}` : ""}`
    case "STORE":
      return `the store: ${problem.problem.code}`
    case "INTERNAL":
      return `internal: ${problem.text}`
    default:
      return problem.code
  }
}
