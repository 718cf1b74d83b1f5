import { vectors } from "../../../test/vectors.ts"

/** One vector file by its place in the tests: the stable release's, or the one of the release with v19 and v20. */
export interface VectorFile<T> {
  readonly name: string
  /** Highest version of the file; `encodedAs<latest>` is how it names re-encodings. */
  readonly latest: 18 | 20
  readonly cases: readonly T[]
}

/** One array of `smp-commands.json` and `smp-commands-v20.json`; both are there, and not empty, or both are not. */
export function smpArrays<T>(array: string): VectorFile<T>[] {
  return [...smpArray<T>("smp-commands.json", 18, array), ...smpArray<T>("smp-commands-v20.json", 20, array)]
}

/** The same for an array that only the second file has. */
export function newSmpArray<T>(array: string): VectorFile<T>[] {
  return smpArray<T>("smp-commands-v20.json", 20, array)
}

function smpArray<T>(file: string, latest: 18 | 20, array: string): VectorFile<T>[] {
  const content = vectors<Record<string, T[]>>(file)
  if (content === undefined) return []
  return [{ name: `${file} ${array}`, latest, cases: nonEmpty(content[array], `${file} ${array}`) }]
}

/** An array of any file, `[]` without the folder. */
export function vectorArray<T>(file: string, array: string): readonly T[] {
  const content = vectors<Record<string, T[]>>(file)
  return content === undefined ? [] : nonEmpty(content[array], `${file} ${array}`)
}

function nonEmpty<T>(cases: T[] | undefined, name: string): T[] {
  if (!Array.isArray(cases) || cases.length === 0) throw new Error(`no vectors: ${name}`)
  return cases
}
