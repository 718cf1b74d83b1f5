import { readFile } from "node:fs/promises"
import { join, matchesGlob } from "node:path"

/** Reads `.dockerignore` of a folder; the result tells whether a path relative to it is left out of the context. */
export async function ignoring(folder: string): Promise<(path: string) => boolean> {
  const text = await readFile(join(folder, ".dockerignore"), "utf8")
  const patterns = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  return (path) => {
    const parts = path.split("/")
    // A folder that is left out takes everything in it along.
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join("/"))
    return prefixes.some((prefix) => patterns.some((pattern) => matchesGlob(prefix, pattern)))
  }
}
