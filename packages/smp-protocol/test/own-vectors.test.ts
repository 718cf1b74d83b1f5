import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { ownVectors } from "./own-vectors.ts"

type Case = Readonly<Record<string, unknown>>
type File = Readonly<Record<string, readonly Case[]>>

const file = join(import.meta.dirname, "..", "..", "..", "test", "vectors", "smp.json")
const stored = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>
const computed = ownVectors()
const reference = vectors<File>("smp-commands-v20.json")

describe("the project's own vectors", () => {
  it.each(Object.keys(stored))("%s are what this code computes", (name) => {
    expect(JSON.parse(JSON.stringify(computed[name]))).toEqual(stored[name])
  })

  it("are complete", () => {
    expect(Object.keys(computed)).toEqual(Object.keys(stored))
  })
})

/** Arrays whose inputs are in part the same as the reference's, with the field that is the input. */
const SHARED: Readonly<Record<string, string>> = {
  commandParse: "input",
  brokerMessageParse: "input",
  commandCredentials: "name",
  brokerMessageCredentials: "name",
  errors: "json",
  errorParse: "input",
  senderIds: "corrId",
}

describe.skipIf(reference === undefined)("the project's own vectors agree with the reference's", () => {
  it.each(Object.entries(SHARED))("%s", (array, input) => {
    const theirs = new Map((reference?.[array] ?? []).map((one) => [one[input], resultOf(one)]))
    const shared = (stored[array] as Case[]).filter((one) => theirs.has(one[input]))
    expect(shared.length).toBeGreaterThan(0)
    for (const one of shared) expect(theirs.get(one[input])).toMatchObject(resultOf(one))
  })
})

/** Only describes, or is about the reference reading its own text. */
const NO_RESULTS = new Set(["name", "smpParsed", "stringParsed"])

/** The result of a case; of an error text only that there is one. */
function resultOf(one: Case): object {
  const entries = Object.entries(one).filter(([field]) => !NO_RESULTS.has(field))
  return Object.fromEntries(entries.map(([field, value]) => [field, field === "error" ? true : value]))
}
