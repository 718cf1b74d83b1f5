import { decodeBase64Url, encodeBase64Url } from "./base64url.ts"
import { DecodeError } from "./errors.ts"

/** Any JSON object, as `JSON.parse` gives it. */
export type JsonObject = Readonly<Record<string, unknown>>

/** JSON form of bytes: base64url with padding (encoding.md §2.5). */
export function bytesToJson(bytes: Uint8Array): string {
  return encodeBase64Url(bytes)
}

/** A record without its absent optional fields, which have no place in JSON. */
export function omitAbsent(record: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}

/**
 * Tag of a constructor whose name carries a technical prefix: the prefix is dropped and the next letter lowered, so that
 * `unprefixed("NEConnectError", "NE")` is `connectError`. Other names stay as they are.
 */
export function unprefixed(name: string, prefix: string): string {
  if (!name.startsWith(prefix)) return name
  const rest = name.slice(prefix.length)
  return rest.slice(0, 1).toLowerCase() + rest.slice(1)
}

/** The value as an object; throws `DecodeError` when it is something else. */
export function jsonObject(value: unknown, field: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new DecodeError(`${field}: not a JSON object`)
  }
  return value as JsonObject
}

/** Tag of a sum type: its `type` field. */
export function jsonTag(object: JsonObject): string {
  return jsonText(object, "type")
}

/** A field that is a string. */
export function jsonText(object: JsonObject, name: string): string {
  const value = jsonField(object, name)
  if (typeof value !== "string") throw new DecodeError(`${name}: not a JSON string`)
  return value
}

/** A field that is a whole number which a `number` holds exactly. */
export function jsonInteger(object: JsonObject, name: string): number {
  const value = jsonField(object, name)
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new DecodeError(`${name}: not a whole number`)
  return value
}

/** A field that is true or false. */
export function jsonBool(object: JsonObject, name: string): boolean {
  const value = jsonField(object, name)
  if (typeof value !== "boolean") throw new DecodeError(`${name}: not a JSON boolean`)
  return value
}

/** A field that holds bytes as base64url. */
export function jsonBytes(object: JsonObject, name: string): Uint8Array {
  return decodeBase64Url(jsonText(object, name))
}

/** An optional field: `undefined` when it is not there or null, otherwise what `read` makes of it. */
export function jsonMaybe<T>(
  object: JsonObject,
  name: string,
  read: (object: JsonObject, name: string) => T,
): T | undefined {
  const value = jsonField(object, name)
  return value === undefined || value === null ? undefined : read(object, name)
}

/** Own fields only, so that a field called `constructor` is absent unless the input has one. */
function jsonField(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
