import { readFileSync } from "node:fs"
import { join } from "node:path"

/** The root of the repository. */
export const ROOT: string = join(import.meta.dirname, "..", "..")

/** A file of the repository as text. */
export function textOf(...path: string[]): string {
  return readFileSync(join(ROOT, ...path), "utf8")
}
