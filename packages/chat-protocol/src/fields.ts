import type { JsonObject } from "@sluice/encoding/json"
import { ChatMessageError } from "./errors.ts"

export function syntaxError(): ChatMessageError {
  return new ChatMessageError({ code: "SYNTAX" })
}

/** The value as an object. */
export function asObject(value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw syntaxError()
  return value as JsonObject
}

/** A field that is an object. */
export function objectField(object: JsonObject, name: string): JsonObject {
  return asObject(own(object, name))
}

/** A field that is a text of at least one character. */
export function textField(object: JsonObject, name: string): string {
  const text = optionalText(object, name)
  if (text === undefined || text === "") throw syntaxError()
  return text
}

/** A field that is a text, or is not there, or is null. */
export function optionalText(object: JsonObject, name: string): string | undefined {
  const value = own(object, name)
  if (value === undefined || value === null) return undefined
  if (typeof value !== "string") throw syntaxError()
  return value
}

/** A field that is to be there only when it has a value. */
export function present<N extends string, T>(name: N, value: T | undefined): { readonly [K in N]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: T }
}

/** Own fields only, so that one called `constructor` is absent unless the input has it. */
export function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
