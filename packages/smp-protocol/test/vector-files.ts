import { readFileSync } from "node:fs"
import { join } from "node:path"
import { vectors } from "../../../test/vectors.ts"

const ownFile = join(import.meta.dirname, "..", "..", "..", "test", "vectors", "smp.json")
const own = JSON.parse(readFileSync(ownFile, "utf8")) as Record<string, unknown[]>

/** One array of one vector file. */
export interface VectorFile<T> {
  readonly name: string
  /** Highest version of the file; `encodedAs<latest>` is how it names re-encodings. */
  readonly latest: 18 | 20
  readonly cases: readonly T[]
}

/** An array that all files have: the project's own, and the reference's `smp-commands.json` and `-v20.json` if there. */
export function smpArrays<T>(array: string): VectorFile<T>[] {
  return [...newSmpArray<T>(array), ...referenceArray<T>("smp-commands.json", 18, array)]
}

/** The same for an array that the reference's first file has not, and perhaps not the project's own. */
export function newSmpArray<T>(array: string): VectorFile<T>[] {
  return [...ownArray<T>(array), ...referenceArray<T>("smp-commands-v20.json", 20, array)]
}

/** An array of another file of the reference; none without its folder. */
export function otherArray<T>(file: string, array: string): VectorFile<T>[] {
  return referenceArray<T>(file, 18, array)
}

/** An array of the project's own file; none if it has no such array. */
export function ownArray<T>(array: string): VectorFile<T>[] {
  const cases = own[array] as T[] | undefined
  return cases === undefined ? [] : [{ name: `smp.json ${array}`, latest: 20, cases: nonEmpty(cases, array) }]
}

function referenceArray<T>(file: string, latest: 18 | 20, array: string): VectorFile<T>[] {
  const content = vectors<Record<string, T[]>>(file)
  if (content === undefined) return []
  return [{ name: `${file} ${array}`, latest, cases: nonEmpty(content[array], `${file} ${array}`) }]
}

function nonEmpty<T>(cases: T[] | undefined, name: string): T[] {
  if (!Array.isArray(cases) || cases.length === 0) throw new Error(`no vectors: ${name}`)
  return cases
}
