import { resolve } from "node:path"
import { systemClock } from "@sluice/ops/clock"
import { type ConfigSources, loadConfig } from "@sluice/ops/config"
import { readConfigFile, readSecretFile } from "@sluice/ops/config-file"
import type { Program } from "@sluice/ops/lifecycle"
import { createLog, type LineSink } from "@sluice/ops/log"
import { FOREIGN_SECTIONS, type NotificationsConfig, notificationsSettings } from "./config.ts"
import { createNotificationsServer } from "./notifications-server.ts"
import { configuredProviders } from "./push/configured-providers.ts"
import type { PushProviders } from "./push/pusher.ts"

/** Variables that say where things are; all others that begin with SLUICE_ are settings. */
const OTHER_VARIABLES = ["SLUICE_DATA", "SLUICE_CONFIG", "SLUICE_VECTORS"]

/** Where the program gets its settings from, besides the file. */
export interface ProgramOptions {
  /** Usually `readEnv()`. `SLUICE_DATA` is the data folder, by default `data`; `SLUICE_CONFIG` the configuration file. */
  readonly env: Readonly<Record<string, string>>
  readonly overrides?: ConfigSources["overrides"]
  readonly version?: string
  /** Where the log goes, if not to standard error. */
  readonly sink?: LineSink
  /** Default those that the configuration has credentials for. */
  readonly providers?: PushProviders
}

/** Where everything is that a command about this server needs. */
export interface LocatedConfig {
  readonly config: NotificationsConfig
  /** Absolute path. */
  readonly dataFolder: string
}

/** Reads and checks the configuration. Throws `OperatorError`. */
export function locateConfig({ env, overrides = {} }: Pick<ProgramOptions, "env" | "overrides">): LocatedConfig {
  const { SLUICE_DATA, SLUICE_CONFIG } = env
  // An empty variable is one that is not set.
  const dataFolder = resolve(SLUICE_DATA || "data")
  const config = loadConfig(notificationsSettings, {
    file: readConfigFile({ dataFolder, path: SLUICE_CONFIG || undefined }),
    env,
    overrides,
    otherEnv: OTHER_VARIABLES,
    foreignGroups: FOREIGN_SECTIONS,
    readSecretFile,
  })
  return { config, dataFolder }
}

/** The push-notification server as a program. Throws `OperatorError` for settings and files that cannot be used. */
export async function notificationsProgram(options: ProgramOptions): Promise<Program> {
  const { version = "unknown", sink } = options
  const { config, dataFolder } = locateConfig(options)
  const log = createLog({ ...config.log, service: "notifications" }, { clock: systemClock, ...(sink && { sink }) })
  const providers = options.providers ?? (await configuredProviders(config, dataFolder))
  if (providers.size === 0) log.warn("no push service is configured: devices cannot register")
  const server = await createNotificationsServer(config, { log, dataFolder, providers, version })
  return {
    log,
    readiness: server.readiness,
    grace: config.shutdown.grace,
    service: {
      start: (signal) => server.start(signal),
      stop: (deadline) => server.stop(deadline),
      async reload() {
        log.setLevel(locateConfig(options).config.log.level)
        await server.reload()
      },
    },
  }
}
