import type { ServerAddress } from "@sluice/encoding/server-address"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { TransportError } from "@sluice/transport/errors"
import { CommandFailure } from "./failure.ts"
import { serverName } from "./server-argument.ts"

/** Does something with a server; what fails becomes a line that says what, in words. */
export async function withServer<T>(server: Pick<ServerAddress, "hosts" | "port">, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const reason = reasonOf(error)
    if (reason === undefined) throw error
    throw new CommandFailure(`${serverName(server)}: ${reason}`, { cause: error })
  }
}

/** What an error of the client or of the connection below it means; `undefined` for all others. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof TransportError) return transportReason(error)
  if (!(error instanceof SmpClientError)) return undefined
  const { problem } = error
  switch (problem.code) {
    case "CONNECT":
      return connectReason(problem.stage, error.cause)
    case "TRANSPORT":
      return `the handshake failed (${problem.error})`
    case "ERR":
      return `the server answered ${error.message.replace(/^.* with /, "")} to ${problem.command}${advice(error)}`
    case "TIMEOUT":
      return `no answer to ${problem.command} in time`
    case "LOST":
      return "the connection was lost"
    case "UNSUPPORTED":
      return `the server is too old: ${error.message}`
    default:
      return error.message
  }
}

function connectReason(stage: string, cause: unknown): string {
  switch (stage) {
    case "IDENTITY":
      return WRONG_IDENTITY
    case "TIMEOUT":
      return NO_ANSWER
    case "CLOSED":
      return HUNG_UP
    default:
      return cause instanceof TransportError ? transportReason(cause) : systemReason(codeOf(cause))
  }
}

const WRONG_IDENTITY = "this is another server than the one of the address: its certificate has another fingerprint"
const NO_ANSWER = "no answer in time"
const HUNG_UP = "the server closed the connection during the handshake"

function transportReason({ problem }: TransportError): string {
  if (problem.kind === "protocol") return `the handshake failed (${problem.error})`
  if (problem.kind === "closed") return HUNG_UP
  switch (problem.error.type) {
    case "UNKNOWNCA":
      return WRONG_IDENTITY
    case "TIMEOUT":
      return NO_ANSWER
    case "CONNECT":
      return systemReason(problem.error.text)
    case "TLS":
      return `TLS failed (${problem.error.text}): not an SMP server, or something in between`
    default:
      return `cannot connect (${problem.error.type})`
  }
}

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there, is the relay running?",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the host name cannot be looked up now",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no way to that network",
  ECONNRESET: "the connection was reset",
}

function systemReason(code: string): string {
  return `cannot connect: ${SYSTEM_REASONS[code] ?? "failed"} (${code})`
}

/** The code of a system error; of an attempt on several addresses that of the first. */
function codeOf(cause: unknown): string {
  if (cause instanceof AggregateError) return codeOf(cause.errors[0])
  if (cause instanceof Error && "code" in cause) return String(cause.code)
  return cause instanceof Error ? cause.message : "unknown error"
}

/** What a refusal of a command most likely means. */
const ADVICE: Readonly<Record<string, string>> = {
  NEW: ": it wants the password of its address, or creates no queues",
  LGET: ": there is no such link, or it is none for everybody",
  LKEY: ": there is no such link, or somebody else read it before",
  READ: ": there is no such blob",
}

/** Commands that only some servers know (docs/blob-links.md). */
const BLOB_COMMANDS: readonly string[] = ["WRT", "CLR", "READ"]

function advice(error: SmpClientError): string {
  if (error.problem.code !== "ERR") return ""
  const { answer } = error
  const unknown = answer?.type === "CMD" && answer.error === "UNKNOWN"
  if (unknown && BLOB_COMMANDS.includes(error.problem.command)) return ": it offers no blobs"
  if (answer?.type !== "AUTH") return ""
  return ADVICE[error.problem.command] ?? ": no such queue, or not the key that it is used with"
}
