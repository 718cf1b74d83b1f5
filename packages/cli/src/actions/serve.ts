// Only what catches signals is loaded at first: a signal that comes while the rest loads ends the program properly.
import { type Program, runProgram } from "@sluice/ops/lifecycle"
import { processHost } from "@sluice/ops/main"
import { say } from "../output.ts"
import { type GlobalOptions, placeOf } from "../place.ts"
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
    const { relayProgram } = await import("../serve/relay-program.ts")
    return relayProgram(options)
  })
}

/** `sluice proxy`: the proxy alone. Gives the exit code. */
export function proxy(options: GlobalOptions): Promise<number> {
  return run(async () => {
    const { proxyProgram } = await import("@sluice/proxy/program")
    const { dataFolder, configNamed, configFile, env } = placeOf(options)
    const named = { ...env, SLUICE_DATA: dataFolder, ...(configNamed && { SLUICE_CONFIG: configFile }) }
    return proxyProgram({ env: named })
  })
}

function run(build: () => Promise<Program>): Promise<number> {
  return runProgram(build, processHost(say))
}
