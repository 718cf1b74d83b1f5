import type { Program } from "@sluice/ops/lifecycle"
import { type LocatedConfig, locateConfig as locate, type ProgramSources } from "@sluice/ops/locate-config"
import { type ProgramOptions, serviceProgram } from "@sluice/ops/service-program"
import { FOREIGN_SECTIONS, type NotificationsConfig, notificationsSettings } from "./config.ts"
import { createNotificationsServer } from "./notifications-server.ts"
import { configuredProviders } from "./push/configured-providers.ts"
import type { PushProviders } from "./push/pusher.ts"

/** How the program is started. */
export interface NotificationsProgramOptions extends ProgramOptions {
  /** Default those that the configuration has credentials for. */
  readonly providers?: PushProviders
}

/** Reads and checks the configuration. Throws `OperatorError`. */
export function locateConfig(sources: ProgramSources): LocatedConfig<NotificationsConfig> {
  return locate(notificationsSettings, FOREIGN_SECTIONS, sources)
}

/** The push-notification server as a program. Throws `OperatorError` for settings and files that cannot be used. */
export function notificationsProgram(options: NotificationsProgramOptions): Promise<Program> {
  return serviceProgram(
    "notifications",
    options,
    () => locateConfig(options),
    async (config, parts) => {
      const providers = options.providers ?? (await configuredProviders(config, parts.dataFolder))
      if (providers.size === 0) parts.log.warn("no push service is configured: devices cannot register")
      return createNotificationsServer(config, { ...parts, providers })
    },
  )
}
