import { resolve } from "node:path"
import { systemClock } from "@sluice/ops/clock"
import { type ConfigSources, loadConfig } from "@sluice/ops/config"
import { readConfigFile, readSecretFile } from "@sluice/ops/config-file"
import type { Program } from "@sluice/ops/lifecycle"
import { createLog, type LineSink } from "@sluice/ops/log"
import { FOREIGN_SECTIONS, proxyServerSettings } from "./config.ts"
import { createProxyServer } from "./proxy-server.ts"

/** Variables that say where things are; all others that begin with SLUICE_ are settings. */
const OTHER_VARIABLES = ["SLUICE_DATA", "SLUICE_CONFIG", "SLUICE_VECTORS"]

/** Where a proxy program gets its settings from, besides the file. */
export interface ProgramOptions {
  /** Usually `readEnv()`. `SLUICE_DATA` is the data folder, by default `data`; `SLUICE_CONFIG` the configuration file. */
  readonly env: Readonly<Record<string, string>>
  readonly overrides?: ConfigSources["overrides"]
  /** Where the log goes, if not to standard error. */
  readonly sink?: LineSink
}

/** The proxy as a program. Throws `OperatorError` for settings and certificates that cannot be used. */
export async function proxyProgram({ env, overrides = {}, sink }: ProgramOptions): Promise<Program> {
  const { SLUICE_DATA, SLUICE_CONFIG } = env
  // An empty variable is one that is not set.
  const dataFolder = resolve(SLUICE_DATA || "data")
  const path = SLUICE_CONFIG || undefined
  const load = (): ReturnType<typeof loadConfig<typeof proxyServerSettings>> =>
    loadConfig(proxyServerSettings, {
      file: readConfigFile({ dataFolder, path }),
      env,
      overrides,
      otherEnv: OTHER_VARIABLES,
      foreignGroups: FOREIGN_SECTIONS,
      readSecretFile,
    })
  const config = load()
  const log = createLog({ ...config.log, service: "proxy" }, { clock: systemClock, ...(sink && { sink }) })
  const proxy = await createProxyServer(config, { log, dataFolder })
  return {
    log,
    readiness: proxy.readiness,
    grace: config.shutdown.grace,
    service: {
      start: (signal) => proxy.start(signal),
      stop: (deadline) => proxy.stop(deadline),
      async reload() {
        log.setLevel(load().log.level)
        await proxy.reload()
      },
    },
  }
}
