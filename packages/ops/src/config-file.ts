import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type { ConfigFile } from "./config-sources.ts"
import { OperatorError } from "./operator-error.ts"

/** Name of the configuration file in the data folder. */
export const CONFIG_FILE_NAME = "sluice.toml"

/** Where the configuration file may be. */
export interface ConfigFilePlaces {
  readonly dataFolder: string
  /** Given by the operator; must exist. Without it, `sluice.toml` in the data folder is read if there is one. */
  readonly path?: string | undefined
}

/** Reads the configuration file, or gives `undefined` where none is needed. Unreadable ones are {@link OperatorError}s. */
export function readConfigFile({ dataFolder, path }: ConfigFilePlaces): ConfigFile | undefined {
  const name = path === undefined ? join(dataFolder, CONFIG_FILE_NAME) : resolve(path)
  try {
    return { name, text: readFileSync(name, "utf8") }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error"
    if (code === "ENOENT" && path === undefined) return undefined
    throw new OperatorError(`cannot read the configuration file ${name} (${code})`, { cause: error })
  }
}

/** Reads a file that holds one secret, for `ConfigSources.readSecretFile`. */
export function readSecretFile(path: string): string {
  return readFileSync(path, "utf8")
}
