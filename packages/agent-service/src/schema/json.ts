import { AgentError } from "@sluice/agent/errors"
import { bytesToJson } from "@sluice/encoding/json"

/** An error as clients see it. */
export interface ErrorJson {
  /** What kind; those of the agent are the codes of `AgentProblem`. */
  readonly code: string
  /** For people; fixed words without anybody's data. */
  readonly message: string
  /** The same may succeed later. */
  readonly temporary: boolean
  /** What else the kind of error says. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** What a value of the agent is in JSON: bytes are base64url with padding, large integers decimal text. */
export type Json<T> = T extends Uint8Array | bigint
  ? string
  : T extends AgentError
    ? ErrorJson
    : T extends readonly (infer U)[]
      ? Json<U>[]
      : T extends object
        ? { [K in keyof T]: Json<T[K]> }
        : T

/** The JSON form of what the agent gives; fields that are `undefined` are left out. */
export function toJson<T>(value: T): Json<T> {
  return convert(value) as Json<T>
}

function convert(value: unknown): unknown {
  if (value instanceof Uint8Array) return bytesToJson(value)
  if (typeof value === "bigint") return value.toString()
  if (value instanceof AgentError) return errorJson(value)
  if (Array.isArray(value)) return value.map(convert)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).flatMap(([name, inner]) =>
    inner === undefined ? [] : [[name, convert(inner)]],
  )
  return Object.fromEntries(entries)
}

/** The JSON form of an error of the agent. */
export function errorJson(error: AgentError): ErrorJson {
  const { code, ...details } = error.problem
  const { message, temporary } = error
  return { code, message, temporary, ...(Object.keys(details).length > 0 && { details: toJson(details) }) }
}
