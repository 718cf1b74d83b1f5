import { DecodeError } from "@sluice/encoding/errors"
import { jsonInteger, jsonMaybe, jsonObject } from "@sluice/encoding/json"
import type { ClientNotice } from "./errors.ts"

/** `{"ttl":<seconds>}`, or `{}` for no end. */
export function formatNotice(notice: ClientNotice): string {
  return JSON.stringify(notice.ttl === undefined ? {} : { ttl: notice.ttl })
}

/** Reads the JSON of a notice; other keys are ignored, and a `ttl` of `null` is none. Throws `DecodeError`. */
export function parseNotice(text: string): ClientNotice {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new DecodeError("notice: not JSON")
  }
  return noticeFromJson(value)
}

/** The same after `JSON.parse`. */
export function noticeFromJson(value: unknown): ClientNotice {
  const ttl = jsonMaybe(jsonObject(value, "notice"), "ttl", jsonInteger)
  return ttl === undefined ? {} : { ttl }
}
