import type { NetworkError, TransportErrorCode } from "@sluice/smp-protocol/errors"

/** Why a connection came to its end (see `BlockHandler.onClose`). */
export type CloseReason =
  /** The peer ended it between two blocks. */
  | "ended"
  /** The peer's stream stopped inside a block: the connection was lost. */
  | "cut"
  /** The socket failed, or a handler threw. */
  | "failed"
  /** This side ended or destroyed it. */
  | "closed"

/** What went wrong on a connection. */
export type TransportProblem =
  /** Errors that the protocol names (transport.md §6). */
  | { readonly kind: "protocol"; readonly error: TransportErrorCode }
  /** Below the protocol: TCP, TLS, time-outs. */
  | { readonly kind: "network"; readonly error: NetworkError }
  /** The connection closed before the handshake was complete. */
  | { readonly kind: "closed"; readonly reason: CloseReason }

/** The one error of connections and handshakes. Its text is made of codes and never holds bytes from the peer. */
export class TransportError extends Error {
  override readonly name = "TransportError"
  readonly problem: TransportProblem

  constructor(problem: TransportProblem, options?: ErrorOptions) {
    super(describe(problem), options)
    this.problem = problem
  }

  /** The protocol's code, or `undefined` for the other kinds. */
  get code(): TransportErrorCode | undefined {
    return this.problem.kind === "protocol" ? this.problem.error : undefined
  }

  /** Whether the same attempt may succeed later without any change on either side. */
  get retryable(): boolean {
    return this.problem.kind === "network" ? this.problem.error.type !== "UNKNOWNCA" : this.problem.kind === "closed"
  }
}

/** An error that the protocol names. */
export function protocolError(error: TransportErrorCode, cause?: unknown): TransportError {
  return new TransportError({ kind: "protocol", error }, cause === undefined ? undefined : { cause })
}

/** An error below the protocol. */
export function networkError(error: NetworkError, cause?: unknown): TransportError {
  return new TransportError({ kind: "network", error }, cause === undefined ? undefined : { cause })
}

function describe(problem: TransportProblem): string {
  switch (problem.kind) {
    case "protocol":
      return problem.error
    case "network":
      return "text" in problem.error ? `${problem.error.type} ${problem.error.text}` : problem.error.type
    case "closed":
      return `connection ${problem.reason}`
    default:
      return problem satisfies never
  }
}
