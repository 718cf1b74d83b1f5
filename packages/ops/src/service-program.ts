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

/** A configuration that was read, and how it is read again. */
export interface ReadConfig<Config> extends LocatedConfig<Config> {
  again(): Pick<LocatedConfig<Config>, "config">
}

/** A service that a program can be made of. */
export type ProgramService = Service & Pick<Program, "release"> & { readonly readiness: Readiness }

/**
 * A service as a program: with the log that its settings ask for, whose level is read again when it reloads.
 * @param name what the log calls it
 * @param locate reads the configuration; called again on each reload
 */
export async function serviceProgram<Config extends ProgramConfig>(
  name: string,
  options: ProgramOptions,
  locate: () => LocatedConfig<Config>,
  create: (config: Config, parts: ProgramParts) => Promise<ProgramService>,
): Promise<Program> {
  return configuredProgram(name, options, { ...locate(), again: locate }, create)
}

/** {@link serviceProgram} with a configuration that the caller needed as well. */
export async function configuredProgram<Config extends ProgramConfig>(
  name: string,
  { version = "unknown", sink }: Pick<ProgramOptions, "version" | "sink">,
  { config, dataFolder, again }: ReadConfig<Config>,
  create: (config: Config, parts: ProgramParts) => Promise<ProgramService>,
): Promise<Program> {
  const log = createLog({ ...config.log, service: name }, { clock: systemClock, ...(sink && { sink }) })
  const service = await create(config, { log, dataFolder, version })
  return {
    log,
    readiness: service.readiness,
    grace: config.shutdown.grace,
    ...(service.release && { release: service.release.bind(service) }),
    service: {
      start: (signal) => service.start(signal),
      stop: (deadline) => service.stop(deadline),
      async reload() {
        log.setLevel(again().config.log.level)
        await service.reload?.()
      },
    },
  }
}
