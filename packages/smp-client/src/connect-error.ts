import { TransportError } from "@sluice/transport/errors"
import { type ConnectStage, SmpClientError } from "./client-error.ts"

/** What a failed attempt to connect is called; `stage` is where it ended if the error itself does not tell. */
export function connectError(error: unknown, stage: ConnectStage): SmpClientError {
  if (error instanceof SmpClientError) return error
  if (stage === "TIMEOUT" || !(error instanceof TransportError)) return failed(stage, error)
  const { problem } = error
  switch (problem.kind) {
    case "protocol":
      return new SmpClientError({ code: "TRANSPORT", error: problem.error }, { cause: error })
    case "closed":
      return failed("CLOSED", error)
    case "network":
      if (problem.error.type === "UNKNOWNCA") return failed("IDENTITY", error)
      return failed(problem.error.type === "TIMEOUT" ? "TIMEOUT" : stage, error)
  }
}

function failed(stage: ConnectStage, cause: unknown): SmpClientError {
  return new SmpClientError({ code: "CONNECT", stage }, { cause })
}
