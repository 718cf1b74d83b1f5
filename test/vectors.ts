import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** Where the reference vectors are, if they are. */
export const vectorsFolder: string =
  process.env["SLUICE_VECTORS"] ?? join(import.meta.dirname, "..", "..", "shared", "vectors")

/** Whether the folder of reference vectors is there; tests that need it are skipped where it is not. */
export const haveVectors: boolean = existsSync(vectorsFolder)

/** Parsed content of one vector file, or `undefined` in a clone without the folder. A file missing from it is an error. */
export function vectors<T = Record<string, unknown[]>>(name: string): T | undefined {
  return haveVectors ? (JSON.parse(readFileSync(join(vectorsFolder, name), "utf8")) as T) : undefined
}

/** One vector file as text, or `undefined` in a clone without the folder. */
export function vectorText(name: string): string | undefined {
  return haveVectors ? readFileSync(join(vectorsFolder, name), "utf8") : undefined
}
