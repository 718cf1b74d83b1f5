import { createAdminServer } from "@sluice/ops/admin-server"
import { systemClock } from "@sluice/ops/clock"
import type { Program } from "@sluice/ops/lifecycle"
import { locateConfig } from "@sluice/ops/locate-config"
import { Metrics } from "@sluice/ops/metrics"
import { registerProcessMetrics } from "@sluice/ops/process-metrics"
import { Readiness } from "@sluice/ops/readiness"
import { composeServices } from "@sluice/ops/service"
import { type ProgramOptions, serviceProgram } from "@sluice/ops/service-program"
import { FOREIGN_SECTIONS, linksSettings } from "./config.ts"
import { createLinksServer } from "./links-server.ts"

/** The pages for links as a program. Throws `OperatorError` for settings and certificates that cannot be used. */
export function linksProgram(options: ProgramOptions): Promise<Program> {
  const locate = () => locateConfig(linksSettings, FOREIGN_SECTIONS, options)
  return serviceProgram("links", options, locate, async (config, { log, dataFolder, version }) => {
    const metrics = new Metrics()
    registerProcessMetrics(metrics, { version })
    const readiness = new Readiness(systemClock)
    const admin = createAdminServer(config.admin, { metrics, readiness, log: log.child("admin") })
    const links = await createLinksServer(config.links, { log, dataFolder, metrics })
    const service = composeServices([{ start: () => admin.listen(), stop: () => admin.close() }, links])
    return { ...service, readiness }
  })
}
