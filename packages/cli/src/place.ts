import { join, relative, resolve } from "node:path"
import { agentGroup } from "@sluice/agent-service/config"
import { linksGroup } from "@sluice/links/config"
import { notificationsGroup } from "@sluice/notifications/config"
import { type ResolvedConfig, resolveConfig } from "@sluice/ops/config"
import { CONFIG_FILE_NAME, readConfigFile, readSecretFile } from "@sluice/ops/config-file"
import { readEnv } from "@sluice/ops/env"
import type { TomlInput } from "@sluice/ops/kind"
import { OTHER_VARIABLES } from "@sluice/ops/locate-config"
import { pushSettings } from "@sluice/push/settings"
import { relaySettings } from "@sluice/relay/config"

/** Options that every command has. */
export interface GlobalOptions {
  readonly data?: string | undefined
  readonly config?: string | undefined
}

/** Where a command works. */
export interface Place {
  /** Absolute path of the folder of everything that is written. */
  readonly dataFolder: string
  /** Absolute path of the configuration file. */
  readonly configFile: string
  /** Whether that file was named by the operator, and so has to be there. */
  readonly configNamed: boolean
  readonly env: Readonly<Record<string, string>>
}

/** Every setting of every service that `sluice` runs. */
export const settings: typeof relaySettings & {
  readonly links: typeof linksGroup
  readonly notifications: typeof notificationsGroup
  readonly push: typeof pushSettings
  readonly agent: typeof agentGroup
} = {
  ...relaySettings,
  links: linksGroup,
  notifications: notificationsGroup,
  push: pushSettings,
  agent: agentGroup,
}

/** The settings as they are in force. */
export type Settings = ResolvedConfig<typeof settings>

/** Values by key, such as `relay.port`, that win over file and environment. */
export type Overrides = Readonly<Record<string, TomlInput | undefined>>

/** Sections of services that run on their own and read the same file and environment. */
const OTHER_SECTIONS = ["proxy_server"]

/** The place that options and environment name; options win. An empty variable is one that is not set. */
export function placeOf(options: GlobalOptions, env: Readonly<Record<string, string>> = readEnv()): Place {
  const { SLUICE_DATA, SLUICE_CONFIG } = env
  const dataFolder = resolve(options.data ?? (SLUICE_DATA || "data"))
  const named = options.config ?? (SLUICE_CONFIG || undefined)
  return {
    dataFolder,
    configFile: named === undefined ? join(dataFolder, CONFIG_FILE_NAME) : resolve(named),
    configNamed: named !== undefined,
    env,
  }
}

/** The environment for a program of that place. */
export function envOf({ env, dataFolder, configNamed, configFile }: Place): Readonly<Record<string, string>> {
  return { ...env, SLUICE_DATA: dataFolder, ...(configNamed && { SLUICE_CONFIG: configFile }) }
}

/**
 * Reads and checks the configuration: file, environment, then `overrides` by key, given on the command line. Throws
 * `OperatorError` for the first thing that is wrong.
 */
export function loadSettings(place: Place, overrides: Overrides = {}): Settings {
  const path = place.configNamed ? place.configFile : undefined
  return resolveSettings(place, overrides, readConfigFile({ dataFolder: place.dataFolder, path }))
}

/** The same without the file, which is not there yet. */
export function newSettings(place: Place, overrides: Overrides): Settings {
  return resolveSettings(place, overrides, undefined)
}

function resolveSettings(place: Place, overrides: Overrides, file: ReturnType<typeof readConfigFile>): Settings {
  return resolveConfig(settings, {
    file,
    env: place.env,
    overrides,
    otherEnv: OTHER_VARIABLES,
    foreignGroups: OTHER_SECTIONS,
    readSecretFile,
  })
}

/** A path for people: relative to the current folder if it is below it. */
export function shown(path: string): string {
  const short = relative(process.cwd(), path)
  return short === "" || short.startsWith("..") ? path : `./${short}`
}
