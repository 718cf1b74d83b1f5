import type { CommandErrorCode, PlainErrorType, TransportErrorCode } from "./errors.ts"

/** Guards for the words of errors, each over the complete list of its type. */

const PLAIN_TYPES: ReadonlySet<string> = new Set<PlainErrorType>([
  "BLOCK",
  "SESSION",
  "AUTH",
  "SERVICE",
  "CRYPTO",
  "QUOTA",
  "NO_MSG",
  "LARGE_MSG",
  "EXPIRED",
  "INTERNAL",
  "DUPLICATE_",
])

const COMMAND_CODES: ReadonlySet<string> = new Set<CommandErrorCode>([
  "UNKNOWN",
  "SYNTAX",
  "PROHIBITED",
  "NO_AUTH",
  "HAS_AUTH",
  "NO_ENTITY",
])

const TRANSPORT_CODES: ReadonlySet<string> = new Set<TransportErrorCode>([
  "BLOCK",
  "VERSION",
  "LARGE_MSG",
  "SESSION",
  "NO_AUTH",
  "HANDSHAKE PARSE",
  "HANDSHAKE IDENTITY",
  "HANDSHAKE BAD_AUTH",
  "HANDSHAKE BAD_SERVICE",
])

export function isPlainErrorType(word: string): word is PlainErrorType {
  return PLAIN_TYPES.has(word)
}

export function isCommandErrorCode(word: string): word is CommandErrorCode {
  return COMMAND_CODES.has(word)
}

export function isTransportErrorCode(text: string): text is TransportErrorCode {
  return TRANSPORT_CODES.has(text)
}
