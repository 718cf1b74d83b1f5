import { systemClock } from "./clock.ts"
import { type Host, type Program, runProgram } from "./lifecycle.ts"

/**
 * The whole of a program's entry point: runs it with the real process and ends that with the exit code.
 * See `runProgram` for signals and codes. This is the only place that calls `process.exit`.
 */
export function main(build: () => Program | Promise<Program>): void {
  const writeError = (line: string): void => {
    process.stderr.write(`${line}\n`)
  }
  void runProgram(build, processHost(writeError)).then((code) => process.exit(code))
}

/** The real process, as `runProgram` needs it. */
export function processHost(writeError: (line: string) => void): Host {
  return { events: process, clock: systemClock, writeError, kill: () => process.kill(process.pid, "SIGKILL") }
}
