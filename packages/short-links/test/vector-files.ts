import { readFileSync } from "node:fs"
import { join } from "node:path"
import { vectors } from "../../../test/vectors.ts"

/** One array of a vector file. */
export interface VectorArray<T> {
  readonly name: string
  readonly cases: readonly T[]
  /** All of the file. */
  readonly file: Readonly<Record<string, unknown>>
}

const ownFile = join(import.meta.dirname, "..", "..", "..", "test", "vectors", "short-links.json")
const own = JSON.parse(readFileSync(ownFile, "utf8")) as Record<string, unknown>

/** The array in the project's own file, and in that file of the reference if there. */
export function vectorArrays<T>(file: "short-links.json" | "agent.json", array: string): VectorArray<T>[] {
  return [...arrayOf<T>("own", own, array), ...arrayOf<T>(file, vectors<Record<string, unknown>>(file), array)]
}

function arrayOf<T>(
  name: string,
  file: Readonly<Record<string, unknown>> | undefined,
  array: string,
): VectorArray<T>[] {
  if (file === undefined) return []
  const cases = file[array]
  if (!Array.isArray(cases) || cases.length === 0) throw new Error(`no vectors: ${name} ${array}`)
  return [{ name: `${name} ${array}`, cases: cases as T[], file }]
}
