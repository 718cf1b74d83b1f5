import { expect, it } from "vitest"
import { locateConfig } from "./locate-config.ts"
import { ManualClock } from "./manual-clock.ts"
import { Readiness } from "./readiness.ts"
import { serviceProgram } from "./service-program.ts"
import { logSettings, shutdownSettings } from "./standard-settings.ts"

const settings = { log: logSettings, shutdown: shutdownSettings } as const

function programWith(env: Record<string, string>, lines: string[] = [], events: string[] = []) {
  const options = { env, version: "1.2.3", sink: { write: (line: string) => lines.push(line) } }
  return serviceProgram(
    "toy",
    options,
    () => locateConfig(settings, ["other"], options),
    async (config, { log, version }) => {
      events.push(`create ${version} ${config.log.level}`)
      return {
        readiness: new Readiness(new ManualClock()),
        async start() {
          log.info("begun")
        },
        async stop() {
          events.push("stop")
        },
        async reload() {
          events.push("reload")
        },
      }
    },
  )
}

it("runs a service with the settings that it finds, and reads the level of its log again", async () => {
  const env: Record<string, string> = { SLUICE_DATA: "", SLUICE_LOG_LEVEL: "warn", SLUICE_SHUTDOWN_GRACE: "3s" }
  const lines: string[] = []
  const events: string[] = []
  const { service, grace } = await programWith(env, lines, events)
  expect(grace).toBe(3_000)
  const signal = new AbortController().signal
  await service.start(signal)
  expect(lines).toEqual([])
  env["SLUICE_LOG_LEVEL"] = "info"
  await service.reload?.()
  await service.start(signal)
  expect(JSON.parse(lines.join())).toMatchObject({ service: "toy", message: "begun" })
  await service.stop(signal)
  expect(events).toEqual(["create 1.2.3 warn", "reload", "stop"])
})

it("leaves the sections of others alone, and refuses what nobody knows", async () => {
  await expect(programWith({ SLUICE_OTHER_THING: "x" })).resolves.toBeDefined()
  await expect(programWith({ SLUICE_LGO_LEVEL: "info" })).rejects.toThrow(/SLUICE_LGO_LEVEL/)
  await expect(programWith({ SLUICE_CONFIG: "/nonexistent.toml" })).rejects.toThrow(/nonexistent\.toml \(ENOENT\)/)
})
