import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import type { EncodingVectors } from "./vector-format.ts"
import { encodingSuite } from "./vector-suite.ts"

const file = join(import.meta.dirname, "..", "..", "..", "test", "vectors", "encoding.json")
const own = JSON.parse(readFileSync(file, "utf8")) as EncodingVectors
const reference = vectors<EncodingVectors>("encoding.json")

describe("the project's own vectors", () => encodingSuite(own))

/** The fields of a case that are its input; all others, except the name, are its result. */
const INPUTS: { readonly [K in keyof EncodingVectors]: readonly string[] } = {
  primitives: ["type", "value"],
  decode: ["type", "hex"],
  pad: ["message", "paddedLength"],
  unpad: ["padded"],
  base64Encode: ["hex"],
  base64Decode: ["input"],
  strings: ["type", "value"],
  stringDecode: ["type", "input"],
  versionRanges: ["min", "max"],
  versionRangeDecode: ["hex"],
  versionRangeStringDecode: ["input"],
  versionCompatible: ["a", "b"],
  versionCapped: ["range", "version"],
  hosts: ["input"],
  hostDecode: ["hex"],
  servers: ["scheme", "hosts", "port", "keyHash", "basicAuth"],
  serverParse: ["input"],
  serverDecode: ["hex"],
}

describe.skipIf(reference === undefined)("the project's own vectors agree with the reference's", () => {
  if (reference === undefined) return
  for (const array of Object.keys(INPUTS) as (keyof EncodingVectors)[]) {
    it(array, () => {
      const theirs = new Map<string, unknown>()
      for (const item of reference[array]) theirs.set(inputOf(array, item), resultOf(array, item))
      const shared = own[array].filter((item) => theirs.has(inputOf(array, item)))
      expect(shared.length).toBeGreaterThan(0)
      for (const item of shared) expect(resultOf(array, item)).toEqual(theirs.get(inputOf(array, item)))
    })
  }
})

function inputOf(array: keyof EncodingVectors, item: object): string {
  const fields = item as Record<string, unknown>
  return JSON.stringify(INPUTS[array].map((name) => fields[name]))
}

/** Everything but name, type and inputs; the texts of errors, at any depth, are reduced to the fact. */
function resultOf(array: keyof EncodingVectors, item: object): unknown {
  const ignored = ["name", "type", ...INPUTS[array]]
  const entries = Object.entries(item).filter(([name]) => !ignored.includes(name))
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)), (name, value: unknown) =>
    name === "error" ? true : value,
  )
}
