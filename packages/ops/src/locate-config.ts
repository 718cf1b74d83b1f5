import { resolve } from "node:path"
import { type ConfigSources, loadConfig } from "./config.ts"
import { readConfigFile, readSecretFile } from "./config-file.ts"
import type { ConfigOf, Entries } from "./settings.ts"

/** Variables beside the settings: where things are, and one for the tests, which starts with the same letters. */
export const OTHER_VARIABLES: readonly string[] = ["SLUICE_DATA", "SLUICE_CONFIG", "SLUICE_VECTORS"]

/** Where a program gets its settings from, besides the file. */
export interface ProgramSources extends Pick<ConfigSources, "overrides"> {
  /** Usually `readEnv()`. `SLUICE_DATA` is the data folder, by default `data`; `SLUICE_CONFIG` the configuration file. */
  readonly env: Readonly<Record<string, string>>
}

/** A checked configuration, and the folder that its paths are relative to. */
export interface LocatedConfig<Config> {
  readonly config: Config
  /** Absolute path. */
  readonly dataFolder: string
}

/**
 * Reads and checks the configuration. Throws `OperatorError`.
 * @param foreignGroups sections of programs that read the same file and environment
 */
export function locateConfig<E extends Entries>(
  entries: E,
  foreignGroups: readonly string[],
  { env, overrides = {} }: ProgramSources,
): LocatedConfig<ConfigOf<E>> {
  const { SLUICE_DATA, SLUICE_CONFIG } = env
  // An empty variable is one that is not set.
  const dataFolder = resolve(SLUICE_DATA || "data")
  const file = readConfigFile({ dataFolder, path: SLUICE_CONFIG || undefined })
  const sources = { file, env, overrides, otherEnv: OTHER_VARIABLES, foreignGroups, readSecretFile }
  return { config: loadConfig(entries, sources), dataFolder }
}
