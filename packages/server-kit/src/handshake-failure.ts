import type { TransportErrorCode } from "@sluice/smp-protocol/errors"
import { TransportError } from "@sluice/transport/errors"
import type { HandshakeFailure } from "./server-metrics.ts"

const BY_CODE: Readonly<Partial<Record<TransportErrorCode, HandshakeFailure>>> = {
  LARGE_MSG: "padding",
  "HANDSHAKE PARSE": "parse",
  "HANDSHAKE IDENTITY": "identity",
  VERSION: "version",
  "HANDSHAKE BAD_AUTH": "bad_auth",
  "HANDSHAKE BAD_SERVICE": "bad_service",
}

/** Under which name the failure of a handshake is counted; anything that no peer can cause is a defect. */
export function handshakeFailureOf(error: unknown): HandshakeFailure {
  if (!(error instanceof TransportError)) return "defect"
  const { problem } = error
  switch (problem.kind) {
    case "closed":
      return "closed"
    case "network":
      return problem.error.type === "TIMEOUT" ? "timeout" : "closed"
    case "protocol":
      return BY_CODE[problem.error] ?? "defect"
    default:
      return problem satisfies never
  }
}
