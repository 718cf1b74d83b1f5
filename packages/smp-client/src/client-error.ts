import { EncodeError } from "@sluice/encoding/errors"
import type { Version } from "@sluice/encoding/version"
import type { BrokerError, SmpError, TransportErrorCode } from "@sluice/smp-protocol/errors"

/** Where an attempt to connect ended. */
export type ConnectStage =
  /** The dialer could not reach any host (name look-up, TCP, SOCKS proxy). */
  | "DIAL"
  /** TLS failed for another reason than the identity of the server. */
  | "TLS"
  /** The server is not the one of the address: its certificates do not lead to the key hash. */
  | "IDENTITY"
  /** The whole took longer than allowed. */
  | "TIMEOUT"
  /** The server closed the connection before the hello was done; refused client hellos end like this. */
  | "CLOSED"

/** What can go wrong with a command or a connection. `command` is the tag of the command. */
export type ClientProblem =
  /**
   * The answer was an error. `from` tells whose: `server` is the relay that has the queue, also when its encrypted
   * answer came through a proxy; `proxy` is the proxy itself, or the relay's answer to the proxy (`PROXY PROTOCOL`).
   */
  | { readonly code: "ERR"; readonly command: string; readonly error: SmpError; readonly from: "server" | "proxy" }
  /** The answer does not belong to this command, or names another entity. `answer` is its tag. */
  | { readonly code: "UNEXPECTED"; readonly command: string; readonly answer: string }
  /** The answer cannot be decoded. */
  | { readonly code: "UNPARSABLE"; readonly command: string }
  /** The server's cryptographic answer is wrong: it does not decrypt, or a signed key does not verify. */
  | { readonly code: "CRYPTO"; readonly command: string }
  /** No answer in time. The command may have been executed; a late answer becomes an event. */
  | { readonly code: "TIMEOUT"; readonly command: string }
  /** The version of this session does not have the command, or not this form of it. Nothing was sent. */
  | { readonly code: "UNSUPPORTED"; readonly command: string; readonly version: Version; readonly since: Version }
  /** The command does not fit into a block (at most 16363 bytes with authorization). Nothing was sent. */
  | { readonly code: "TOO_LARGE"; readonly command: string }
  /** A value of the command has no encoding, e.g. an id over 255 bytes. Nothing was sent. */
  | { readonly code: "UNENCODABLE"; readonly command: string }
  /** A service command on a connection that the server did not accept as a service's. Nothing was sent. */
  | { readonly code: "NOT_A_SERVICE"; readonly command: string }
  /** The server gave no key that X25519 authorization needs. Nothing was sent. */
  | { readonly code: "NO_SERVER_KEY"; readonly command: string }
  /** Too many commands wait already. Nothing was sent. */
  | { readonly code: "BUSY"; readonly command: string }
  /** There is no connection, and none could be made. */
  | { readonly code: "CONNECT"; readonly stage: ConnectStage }
  /** The server's hello or its answer to ours was refused by this side, or the server refused the service. */
  | { readonly code: "TRANSPORT"; readonly error: TransportErrorCode }
  /** The connection ended while the command waited for its answer. The command may have been executed. */
  | { readonly code: "LOST" }
  /** The client or the connection was closed by this program. */
  | { readonly code: "CLOSED" }

/** The code of a problem. */
export type ClientProblemCode = ClientProblem["code"]

/**
 * The error of every operation of this package, except that an aborted call rejects with the reason of its signal. The
 * text is fixed apart from protocol words; it holds no ids, keys, addresses or message bytes.
 */
export class SmpClientError extends Error {
  override readonly name = "SmpClientError"
  readonly problem: ClientProblem

  constructor(problem: ClientProblem, options?: ErrorOptions) {
    super(describe(problem), options)
    this.problem = problem
  }

  /** The network's fault: no connection, a connection lost, or no answer. */
  get network(): boolean {
    const { code } = this.problem
    return code === "TIMEOUT" || code === "LOST" || (code === "CONNECT" && this.problem.stage !== "IDENTITY")
  }

  /** Whether the same call may succeed later without a change by the caller. */
  get retryable(): boolean {
    const { problem } = this
    if (problem.code === "BUSY") return true
    return problem.code === "ERR" ? errorRetryable(problem.error) : this.network
  }

  /** The error that the server (or the proxy) answered, if this is one. */
  get answer(): SmpError | undefined {
    return this.problem.code === "ERR" ? this.problem.error : undefined
  }
}

/** An aborted call gives the reason of its signal; everything else that can be thrown here is a client error. */
export function isClientError(error: unknown): error is SmpClientError {
  return error instanceof SmpClientError
}

/** What `encode` gives; a value without an encoding is the client error `UNENCODABLE` of this command. */
export function encoded<T>(command: string, encode: () => T): T {
  try {
    return encode()
  } catch (error) {
    if (error instanceof EncodeError) throw new SmpClientError({ code: "UNENCODABLE", command }, { cause: error })
    throw error
  }
}

function errorRetryable(error: SmpError): boolean {
  switch (error.type) {
    case "QUOTA":
    case "STORE":
    case "INTERNAL":
    case "EXPIRED":
      return true
    case "NAME":
      return error.error.type === "RESOLVER"
    case "PROXY":
      switch (error.error.type) {
        case "NO_SESSION":
          return true
        case "BROKER":
          return brokerRetryable(error.error.error)
        case "PROTOCOL":
          return errorRetryable(error.error.error)
        default:
          return false
      }
    default:
      return false
  }
}

function brokerRetryable(error: BrokerError): boolean {
  if (error.type === "NETWORK") return error.error.type !== "UNKNOWNCA"
  return error.type === "TIMEOUT"
}

function describe(problem: ClientProblem): string {
  switch (problem.code) {
    case "ERR":
      return `${problem.command} answered by the ${problem.from} with ERR ${errorWords(problem.error)}`
    case "UNEXPECTED":
      return `${problem.command} answered with an unexpected ${problem.answer}`
    case "UNSUPPORTED":
      return `${problem.command} needs version ${problem.since}, the session has ${problem.version}`
    case "CONNECT":
      return `cannot connect: ${problem.stage}`
    case "TRANSPORT":
      return `handshake failed: ${problem.error}`
    case "LOST":
    case "CLOSED":
      return `connection: ${problem.code}`
    default:
      return `${problem.command}: ${problem.code}`
  }
}

/** The words of an error without the free texts that a server may put into it. */
export function errorWords(error: SmpError): string {
  switch (error.type) {
    case "CMD":
      return `CMD ${error.error}`
    case "NAME":
      return `NAME ${error.error.type}`
    case "BLOCKED":
      return `BLOCKED reason=${error.reason}`
    case "PROXY":
      return `PROXY ${proxyWords(error.error)}`
    default:
      return error.type
  }
}

function proxyWords(error: Extract<SmpError, { type: "PROXY" }>["error"]): string {
  if (error.type === "PROTOCOL") return `PROTOCOL ${errorWords(error.error)}`
  if (error.type !== "BROKER") return error.type
  const broker = error.error
  return broker.type === "TRANSPORT" ? `BROKER TRANSPORT ${broker.error}` : `BROKER ${broker.type}`
}
