// Only what catches signals is loaded at first: a signal that comes while the rest loads ends the program properly.
import { type Program, runProgram } from "@sluice/ops/lifecycle"
import { processHost } from "@sluice/ops/main"
import { say } from "../output.ts"
import { envOf, type GlobalOptions, loadSettings, placeOf } from "../place.ts"
import type { UpOptions } from "../serve/up-program.ts"

/** `sluice up`: everything on this machine, made if need be, with a view for people. Gives the exit code. */
export function up(options: UpOptions): Promise<number> {
  return run(async () => {
    const { upProgram } = await import("../serve/up-program.ts")
    return upProgram(options)
  })
}

/** `sluice relay`: the relay alone. Gives the exit code. */
export function relay(options: GlobalOptions): Promise<number> {
  return run(async () => {
    const { programWithPages } = await import("../serve/with-pages.ts")
    const place = placeOf(options)
    return programWithPages(place, loadSettings(place))
  })
}

/** `sluice proxy`: the proxy alone. Gives the exit code. */
export function proxy(options: GlobalOptions): Promise<number> {
  return run(async () => {
    const { proxyProgram } = await import("@sluice/proxy/program")
    const { VERSION } = await import("../version.ts")
    return proxyProgram({ env: envOf(placeOf(options)), version: VERSION })
  })
}

/** `sluice links`: the pages for links alone. Gives the exit code. */
export function links(options: GlobalOptions): Promise<number> {
  return run(async () => {
    const { linksProgram } = await import("@sluice/links/program")
    const { VERSION } = await import("../version.ts")
    return linksProgram({ env: envOf(placeOf(options)), version: VERSION })
  })
}

/** `sluice notifications`: the push-notification server alone. Gives the exit code. */
export function notifications(options: GlobalOptions): Promise<number> {
  return run(async () => {
    const { notificationsProgram } = await import("@sluice/notifications/program")
    const { VERSION } = await import("../version.ts")
    return notificationsProgram({ env: envOf(placeOf(options)), version: VERSION })
  })
}

function run(build: () => Promise<Program>): Promise<number> {
  return runProgram(build, processHost(say))
}
