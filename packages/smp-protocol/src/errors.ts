import type { Version } from "@sluice/encoding/version"
import { VERSION } from "./versions.ts"

/** `CMD` errors: what is wrong with a command as such. */
export type CommandErrorCode = "UNKNOWN" | "SYNTAX" | "PROHIBITED" | "NO_AUTH" | "HAS_AUTH" | "NO_ENTITY"

/** Transport errors by their text (transport.md §6). */
export type TransportErrorCode =
  | "BLOCK"
  | "VERSION"
  | "LARGE_MSG"
  | "SESSION"
  | "NO_AUTH"
  | "HANDSHAKE PARSE"
  | "HANDSHAKE IDENTITY"
  | "HANDSHAKE BAD_AUTH"
  | "HANDSHAKE BAD_SERVICE"

/** Details of a network failure; dropped when sent inside a broker error. */
export type NetworkError =
  | { readonly type: "CONNECT" | "TLS" | "SUBSCRIBE"; readonly text: string }
  | { readonly type: "UNKNOWNCA" | "FAILED" | "TIMEOUT" }

/** Why a server could not be used by its peer (smp.md §7, second table). */
export type BrokerError =
  | { readonly type: "RESPONSE" | "UNEXPECTED"; readonly text: string }
  | { readonly type: "NETWORK"; readonly error: NetworkError }
  | { readonly type: "TRANSPORT"; readonly error: TransportErrorCode }
  | { readonly type: "TIMEOUT" | "HOST" | "NO_SERVICE" }

/** Errors of the proxy commands (proxy.md §7). */
export type ProxyError =
  | { readonly type: "PROTOCOL"; readonly error: SmpError }
  | { readonly type: "BROKER"; readonly error: BrokerError }
  | { readonly type: "BASIC_AUTH" | "NO_SESSION" }

/** Errors of name resolution (smp.md §2.7). */
export type NameError =
  | { readonly type: "NO_RESOLVER" | "NOT_FOUND" }
  | { readonly type: "RESOLVER"; readonly text: string }

/** Why the operator blocked a queue. */
export type BlockingReason = "spam" | "content"

/** What clients are to show for a blocked queue; `ttl` in seconds, absent for no end. */
export interface ClientNotice {
  readonly ttl?: number | undefined
}

/** Why and how a queue is blocked; the content of `ERR BLOCKED`. */
export interface BlockingInfo {
  readonly reason: BlockingReason
  readonly notice?: ClientNotice | undefined
}

/** Errors without parameters; the type is the text on the wire. */
export type PlainErrorType =
  | "BLOCK"
  | "SESSION"
  | "AUTH"
  | "SERVICE"
  | "CRYPTO"
  | "QUOTA"
  | "NO_MSG"
  | "LARGE_MSG"
  | "EXPIRED"
  | "INTERNAL"
  | "DUPLICATE_"

/** What `ERR` carries (smp.md §7). `DUPLICATE_` is decoded but never sent. */
export type SmpError =
  | { readonly type: PlainErrorType }
  | { readonly type: "CMD"; readonly error: CommandErrorCode }
  | { readonly type: "PROXY"; readonly error: ProxyError }
  | ({ readonly type: "BLOCKED" } & BlockingInfo)
  | { readonly type: "STORE"; readonly text: string }
  | { readonly type: "NAME"; readonly error: NameError }

/** The `CMD` error of a code. */
export function commandError(error: CommandErrorCode): SmpError {
  return { type: "CMD", error }
}

/**
 * The form of an error that a peer of version `v` understands: `BLOCKED` becomes `AUTH` below v12 and loses its notice
 * below v18. Errors inside `PROXY PROTOCOL` are left alone, as the reference does.
 */
export function versioned(error: SmpError, v: Version): SmpError {
  if (error.type !== "BLOCKED" || v >= VERSION.CLIENT_NOTICES) return error
  if (v < VERSION.BLOCKED) return { type: "AUTH" }
  return error.notice === undefined ? error : { type: "BLOCKED", reason: error.reason }
}

/** Thrown by the decoders of commands and messages: `UNKNOWN` for the tag, `SYNTAX` for what follows it. */
export class CommandError extends Error {
  override readonly name = "CommandError"
  readonly code: "UNKNOWN" | "SYNTAX"

  constructor(code: "UNKNOWN" | "SYNTAX") {
    super(`CMD ${code}`)
    this.code = code
  }

  /** The error to answer. */
  get error(): SmpError {
    return commandError(this.code)
  }
}
