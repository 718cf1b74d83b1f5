import { createAdminServer } from "@sluice/ops/admin-server"
import { systemClock } from "@sluice/ops/clock"
import { type ConfigSources, loadConfig } from "@sluice/ops/config"
import { duration, list, port } from "@sluice/ops/kinds"
import type { Program } from "@sluice/ops/lifecycle"
import { createLog } from "@sluice/ops/log"
import { Metrics } from "@sluice/ops/metrics"
import { Readiness } from "@sluice/ops/readiness"
import { group, setting } from "@sluice/ops/settings"
import { adminSettings, logSettings } from "@sluice/ops/standard-settings"

export const settings = {
  log: logSettings,
  admin: adminSettings(9090),
  relay: group("The SMP relay.", {
    ports: setting(list(port()), { default: [5223, 443], help: "Where it listens." }),
    idleTimeout: setting(duration({ min: "1s" }), { default: "6h", help: "After which silent clients are closed." }),
  }),
}

/** Puts the program together; `main(() => relayProgram({ env: readEnv() }))` runs it. */
export function relayProgram(sources: ConfigSources): Program {
  const config = loadConfig(settings, sources)
  const log = createLog({ ...config.log, service: "relay" }, { clock: systemClock })
  const readiness = new Readiness(systemClock)
  const metrics = new Metrics()
  const admin = createAdminServer(config.admin, { metrics, readiness, log: log.child("admin") })
  return {
    log,
    readiness,
    service: { start: () => admin.listen(), stop: () => admin.close() },
  }
}
