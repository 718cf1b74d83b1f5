import { systemClock } from "./clock.ts"
import { type Host, type Program, runProgram } from "./lifecycle.ts"

/**
 * The whole of a program's entry point: runs it with the real process and ends that with the exit code.
 * See `runProgram` for signals and codes. `host` replaces parts of the process. This is the only place that calls `process.exit`.
 */
export function main(build: () => Program | Promise<Program>, host: Host = processHost(toStandardError)): void {
  void runProgram(build, host).then((code) => process.exit(code))
}

function toStandardError(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** The real process, as `runProgram` needs it. */
export function processHost(writeError: (line: string) => void): Host {
  return { events: process, clock: systemClock, writeError, kill: () => process.kill(process.pid, "SIGKILL") }
}
