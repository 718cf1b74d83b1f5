import { systemClock } from "./clock.ts"
import type { Program } from "./lifecycle.ts"
import type { LocatedConfig, ProgramSources } from "./locate-config.ts"
import { createLog, type LineSink, type Log, type LogLevel } from "./log.ts"
import type { Readiness } from "./readiness.ts"
import type { Service } from "./service.ts"

/** How a program is started. */
export interface ProgramOptions extends ProgramSources {
  readonly version?: string
  /** Where the log goes, if not to standard error. */
  readonly sink?: LineSink
}

/** The part of a configuration that every program has. */
interface ProgramConfig {
  readonly log: { readonly level: LogLevel; readonly format: "auto" | "json" | "pretty" }
  readonly shutdown: { readonly grace: number }
}

/** What a program gives its service. */
export interface ProgramParts {
  readonly log: Log
  /** The configuration's paths are relative to it. */
  readonly dataFolder: string
  readonly version: string
}

/**
 * A service as a program: with the log that its settings ask for, whose level is read again when it reloads.
 * @param name what the log calls it
 * @param locate reads the configuration; called again on each reload
 */
export async function serviceProgram<Config extends ProgramConfig>(
  name: string,
  { version = "unknown", sink }: ProgramOptions,
  locate: () => LocatedConfig<Config>,
  create: (config: Config, parts: ProgramParts) => Promise<Service & { readonly readiness: Readiness }>,
): Promise<Program> {
  const { config, dataFolder } = locate()
  const log = createLog({ ...config.log, service: name }, { clock: systemClock, ...(sink && { sink }) })
  const service = await create(config, { log, dataFolder, version })
  return {
    log,
    readiness: service.readiness,
    grace: config.shutdown.grace,
    service: {
      start: (signal) => service.start(signal),
      stop: (deadline) => service.stop(deadline),
      async reload() {
        log.setLevel(locate().config.log.level)
        await service.reload?.()
      },
    },
  }
}
