// Only what catches signals is loaded at first: a signal that comes while the rest loads ends the program properly.
import { systemClock } from "@sluice/ops/clock"
import { type Program, runProgram } from "@sluice/ops/lifecycle"
import { say } from "../output.ts"
import type { GlobalOptions } from "../place.ts"

/** `sluice up`: everything on this machine, made if need be, with a view for people. Gives the exit code. */
export function up(options: GlobalOptions): Promise<number> {
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

function run(build: () => Promise<Program>): Promise<number> {
  return runProgram(build, { events: process, clock: systemClock, writeError: say })
}
