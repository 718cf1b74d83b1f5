import { createRequire } from "node:module"

/** The version of this program, from its package.json. */
export const VERSION: string = readVersion()

function readVersion(): string {
  const about: unknown = createRequire(import.meta.url)("../package.json")
  return typeof about === "object" && about !== null && "version" in about ? String(about.version) : "unknown"
}
