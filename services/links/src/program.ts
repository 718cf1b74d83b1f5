import { resolve } from "node:path"
import { createAdminServer } from "@sluice/ops/admin-server"
import { systemClock } from "@sluice/ops/clock"
import { type ConfigSources, loadConfig } from "@sluice/ops/config"
import { readConfigFile, readSecretFile } from "@sluice/ops/config-file"
import type { Program } from "@sluice/ops/lifecycle"
import { createLog, type LineSink } from "@sluice/ops/log"
import { Metrics } from "@sluice/ops/metrics"
import { registerProcessMetrics } from "@sluice/ops/process-metrics"
import { Readiness } from "@sluice/ops/readiness"
import { composeServices, type Service } from "@sluice/ops/service"
import { FOREIGN_SECTIONS, linksSettings } from "./config.ts"
import { createLinksServer } from "./links-server.ts"

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
}

/** The pages for links as a program. Throws `OperatorError` for settings and certificates that cannot be used. */
export async function linksProgram(options: ProgramOptions): Promise<Program> {
  const { env, overrides = {}, version = "unknown", sink } = options
  const { SLUICE_DATA, SLUICE_CONFIG } = env
  // An empty variable is one that is not set.
  const dataFolder = resolve(SLUICE_DATA || "data")
  const path = SLUICE_CONFIG || undefined
  const load = (): ReturnType<typeof loadConfig<typeof linksSettings>> =>
    loadConfig(linksSettings, {
      file: readConfigFile({ dataFolder, path }),
      env,
      overrides,
      otherEnv: OTHER_VARIABLES,
      foreignGroups: FOREIGN_SECTIONS,
      readSecretFile,
    })
  const config = load()
  const log = createLog({ ...config.log, service: "links" }, { clock: systemClock, ...(sink && { sink }) })
  const metrics = new Metrics()
  registerProcessMetrics(metrics, { version })
  const readiness = new Readiness(systemClock)
  const admin = createAdminServer(config.admin, { metrics, readiness, log: log.child("admin") })
  const links = await createLinksServer(config.links, { log, dataFolder, metrics })
  const service: Service = composeServices([
    { start: () => admin.listen(), stop: () => admin.close() },
    {
      start: (signal) => links.start(signal),
      stop: (deadline) => links.stop(deadline),
      async reload() {
        log.setLevel(load().log.level)
        await links.reload()
      },
    },
  ])
  return { log, readiness, grace: config.shutdown.grace, service }
}
