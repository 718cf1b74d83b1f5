import { fromUtf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { type JsonObject, jsonObject } from "@sluice/encoding/json"
import type { Reader } from "@sluice/encoding/reader"

/** Reads one JSON object that fills the rest of the input; white space around it is allowed. Throws `DecodeError`. */
export function readJsonObject(r: Reader, field: string): JsonObject {
  return jsonObject(parse(fromUtf8(r.tail()), field), field)
}

function parse(text: string, field: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new DecodeError(`${field}: not JSON`)
  }
}
