import { DecodeError } from "@sluice/encoding/errors"
import { type JsonObject, jsonMaybe, jsonObject, jsonTag, jsonText } from "@sluice/encoding/json"
import { noticeFromJson } from "./client-notice.ts"
import { isCommandErrorCode, isPlainErrorType, isTransportErrorCode } from "./error-codes.ts"
import type {
  BrokerError,
  CommandErrorCode,
  NameError,
  NetworkError,
  ProxyError,
  SmpError,
  TransportErrorCode,
} from "./errors.ts"

/** A JSON object with a `type`, as the reference writes sum types (encoding.md §2.5). */
export interface ErrorJson {
  readonly type: string
  readonly [field: string]: unknown
}

/** Names of network errors in JSON, and of the field that holds the text. */
const NETWORK: Readonly<Record<NetworkError["type"], readonly [type: string, field?: string]>> = {
  CONNECT: ["connectError", "connectError"],
  TLS: ["tLSError", "tlsError"],
  SUBSCRIBE: ["subscribeError", "subscribeError"],
  UNKNOWNCA: ["unknownCAError"],
  FAILED: ["failedError"],
  TIMEOUT: ["timeoutError"],
}

const TRANSPORT: ReadonlyMap<TransportErrorCode, string> = new Map([
  ["BLOCK", "badBlock"],
  ["VERSION", "version"],
  ["LARGE_MSG", "largeMsg"],
  ["SESSION", "badSession"],
  ["NO_AUTH", "noServerAuth"],
])

const HANDSHAKE = "HANDSHAKE "

/** JSON form of an error, with the details that the wire and string forms drop. */
export function smpErrorToJson(error: SmpError): ErrorJson {
  switch (error.type) {
    case "CMD":
      return { type: error.type, cmdErr: { type: error.error } }
    case "PROXY":
      return { type: error.type, proxyErr: proxyErrorToJson(error.error) }
    case "BLOCKED": {
      const { reason, notice } = error
      return { type: error.type, blockInfo: notice === undefined ? { reason } : { reason, notice } }
    }
    case "STORE":
      return { type: error.type, storeErr: error.text }
    case "NAME":
      return { type: error.type, nameErr: nameErrorToJson(error.error) }
    default:
      return { type: error.type }
  }
}

function proxyErrorToJson(error: ProxyError): ErrorJson {
  switch (error.type) {
    case "PROTOCOL":
      return { type: error.type, protocolErr: smpErrorToJson(error.error) }
    case "BROKER":
      return { type: error.type, brokerErr: brokerErrorToJson(error.error) }
    default:
      return { type: error.type }
  }
}

/** JSON form of a broker error. */
export function brokerErrorToJson(error: BrokerError): ErrorJson {
  switch (error.type) {
    case "RESPONSE":
    case "UNEXPECTED":
      return { type: error.type, respErr: error.text }
    case "NETWORK":
      return { type: error.type, networkError: networkErrorToJson(error.error) }
    case "TRANSPORT":
      return { type: error.type, transportErr: transportErrorToJson(error.error) }
    default:
      return { type: error.type }
  }
}

/** JSON form of a network error. */
export function networkErrorToJson(error: NetworkError): ErrorJson {
  const [type, field] = NETWORK[error.type]
  return field !== undefined && "text" in error ? { type, [field]: error.text } : { type }
}

/** JSON form of a transport error. */
export function transportErrorToJson(error: TransportErrorCode): ErrorJson {
  const type = TRANSPORT.get(error)
  if (type !== undefined) return { type }
  return { type: "handshake", handshakeErr: { type: error.slice(HANDSHAKE.length) } }
}

function nameErrorToJson(error: NameError): ErrorJson {
  return error.type === "RESOLVER" ? { type: error.type, resolverErr: error.text } : { type: error.type }
}

/** Reads the JSON form after `JSON.parse`. Throws `DecodeError`. */
export function smpErrorFromJson(value: unknown): SmpError {
  const json = jsonObject(value, "error")
  const type = jsonTag(json)
  switch (type) {
    case "CMD":
      return { type, error: commandCodeFromJson(child(json, "cmdErr")) }
    case "PROXY":
      return { type, error: proxyErrorFromJson(child(json, "proxyErr")) }
    case "BLOCKED":
      return blockedFromJson(child(json, "blockInfo"))
    case "STORE":
      return { type, text: jsonText(json, "storeErr") }
    case "NAME":
      return { type, error: nameErrorFromJson(child(json, "nameErr")) }
    default:
      if (isPlainErrorType(type)) return { type }
      throw new DecodeError("error: unknown")
  }
}

function commandCodeFromJson(json: JsonObject): CommandErrorCode {
  const code = jsonTag(json)
  if (isCommandErrorCode(code)) return code
  throw new DecodeError("CMD error: unknown")
}

function proxyErrorFromJson(json: JsonObject): ProxyError {
  const type = jsonTag(json)
  switch (type) {
    case "PROTOCOL":
      return { type, error: smpErrorFromJson(child(json, "protocolErr")) }
    case "BROKER":
      return { type, error: brokerErrorFromJson(child(json, "brokerErr")) }
    case "BASIC_AUTH":
    case "NO_SESSION":
      return { type }
    default:
      throw new DecodeError("PROXY error: unknown")
  }
}

/** Reads the JSON form of a broker error. Throws `DecodeError`. */
export function brokerErrorFromJson(value: unknown): BrokerError {
  const json = jsonObject(value, "broker error")
  const type = jsonTag(json)
  switch (type) {
    case "RESPONSE":
    case "UNEXPECTED":
      return { type, text: jsonText(json, "respErr") }
    case "NETWORK":
      return { type, error: networkErrorFromJson(child(json, "networkError")) }
    case "TRANSPORT":
      return { type, error: transportErrorFromJson(child(json, "transportErr")) }
    case "TIMEOUT":
    case "HOST":
    case "NO_SERVICE":
      return { type }
    default:
      throw new DecodeError("broker error: unknown")
  }
}

/** Reads the JSON form of a network error. Throws `DecodeError`. */
export function networkErrorFromJson(value: unknown): NetworkError {
  const json = jsonObject(value, "network error")
  switch (jsonTag(json)) {
    case "connectError":
      return { type: "CONNECT", text: jsonText(json, "connectError") }
    case "tLSError":
      return { type: "TLS", text: jsonText(json, "tlsError") }
    case "subscribeError":
      return { type: "SUBSCRIBE", text: jsonText(json, "subscribeError") }
    case "unknownCAError":
      return { type: "UNKNOWNCA" }
    case "failedError":
      return { type: "FAILED" }
    case "timeoutError":
      return { type: "TIMEOUT" }
    default:
      throw new DecodeError("network error: unknown")
  }
}

/** Reads the JSON form of a transport error. Throws `DecodeError`. */
export function transportErrorFromJson(value: unknown): TransportErrorCode {
  const json = jsonObject(value, "transport error")
  const type = jsonTag(json)
  for (const [code, name] of TRANSPORT) if (name === type) return code
  const code = type === "handshake" ? HANDSHAKE + jsonTag(child(json, "handshakeErr")) : type
  if (code !== type && isTransportErrorCode(code)) return code
  throw new DecodeError("transport error: unknown")
}

function nameErrorFromJson(json: JsonObject): NameError {
  const type = jsonTag(json)
  switch (type) {
    case "RESOLVER":
      return { type, text: jsonText(json, "resolverErr") }
    case "NO_RESOLVER":
    case "NOT_FOUND":
      return { type }
    default:
      throw new DecodeError("NAME error: unknown")
  }
}

function blockedFromJson(json: JsonObject): SmpError {
  const reason = jsonText(json, "reason")
  if (reason !== "spam" && reason !== "content") throw new DecodeError("BLOCKED error: unknown reason")
  return { type: "BLOCKED", reason, notice: jsonMaybe(json, "notice", (parent, key) => noticeFromJson(parent[key])) }
}

function child(json: JsonObject, key: string): JsonObject {
  return jsonObject(json[key], key)
}
