import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoded } from "../test/hostile.ts"
import { DecodeError } from "./errors.ts"
import {
  bytesToJson,
  type JsonObject,
  jsonBool,
  jsonBytes,
  jsonInteger,
  jsonMaybe,
  jsonObject,
  jsonTag,
  jsonText,
  omitAbsent,
  unprefixed,
} from "./json.ts"

const READS: readonly ((object: JsonObject, name: string) => unknown)[] = [jsonText, jsonInteger, jsonBool, jsonBytes]

describe("JSON conventions", () => {
  it("round-trips a record with all kinds of fields", () => {
    const records = fc.record({
      id: fc.uint8Array({ maxLength: 30 }),
      name: fc.string(),
      count: fc.maxSafeInteger(),
      flag: fc.boolean(),
      note: fc.option(fc.string(), { nil: undefined }),
    })
    fc.assert(
      fc.property(records, ({ id, ...rest }) => {
        const text = JSON.stringify(omitAbsent({ type: "RECORD", id: bytesToJson(id), ...rest }))
        const object = jsonObject(JSON.parse(text), "record")
        expect(jsonTag(object)).toBe("RECORD")
        expect("note" in object).toBe(rest.note !== undefined)
        expect({
          id: jsonBytes(object, "id"),
          name: jsonText(object, "name"),
          count: jsonInteger(object, "count") + 0,
          flag: jsonBool(object, "flag"),
          note: jsonMaybe(object, "note", jsonText),
        }).toEqual({ id, ...rest, count: rest.count + 0 })
      }),
    )
  })

  it("answers any JSON with a value or DecodeError", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("type", "a", "__proto__", "constructor", "length"), (value, name) => {
        for (const read of READS) {
          decoded(() => read(jsonObject(value, "value"), name))
          decoded(() => jsonMaybe(jsonObject(value, "value"), name, read))
        }
      }),
    )
  })

  it("does not take inherited properties for fields", () => {
    expect(jsonMaybe({}, "constructor", jsonText)).toBeUndefined()
    expect(() => jsonText({}, "toString")).toThrow(DecodeError)
  })

  it("drops technical prefixes", () => {
    expect(unprefixed("NEConnectError", "NE")).toBe("connectError")
    expect(unprefixed("TEBadBlock", "TE")).toBe("badBlock")
    expect(unprefixed("AUTH", "NE")).toBe("AUTH")
  })
})
