import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { vectors } from "../../../test/vectors.ts"

/** One array of a vector file. */
export interface VectorArray<T> {
  readonly name: string
  readonly cases: readonly T[]
  /** All of the file. */
  readonly file: Readonly<Record<string, unknown>>
}

const ownFolder = join(import.meta.dirname, "..", "..", "..", "test", "vectors")

/** The array in the project's own file of that name, and in the reference's if there. */
export function vectorArrays<T>(file: string, array: string): VectorArray<T>[] {
  const own = join(ownFolder, file)
  const found = existsSync(own) ? (JSON.parse(readFileSync(own, "utf8")) as Record<string, unknown>) : undefined
  return [
    ...arrayOf<T>(`own ${file}`, found, array),
    ...arrayOf<T>(file, vectors<Record<string, unknown>>(file), array),
  ]
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
