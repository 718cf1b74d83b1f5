import { EventEmitter } from "node:events"
import { expect } from "vitest"
import { systemClock } from "../src/clock.ts"
import { type Program, runProgram } from "../src/lifecycle.ts"
import type { ProgramOptions } from "../src/service-program.ts"

/** A program that runs as in a process, but in the test's own. */
export interface RunningProgram {
  readonly exit: Promise<number>
  /** Where the process gets its signals. */
  readonly signals: EventEmitter
  /** What it has logged. */
  readonly lines: readonly string[]
  /** What it has told its operator before there was a log. */
  readonly errors: readonly string[]
  /** The first line with this message, once it is there. */
  said(message: string): Promise<string>
}

/** Runs a service's program with these variables. */
export function runInTest(
  program: (options: ProgramOptions) => Promise<Program>,
  env: Readonly<Record<string, string>>,
): RunningProgram {
  const signals = new EventEmitter()
  const lines: string[] = []
  const errors: string[] = []
  const exit = runProgram(() => program({ env, sink: { write: (line) => lines.push(line) } }), {
    events: signals,
    clock: systemClock,
    writeError: (line) => errors.push(line),
    kill: expect.unreachable,
  })
  return {
    ...{ exit, signals, lines, errors },
    async said(message) {
      for (;;) {
        const line = lines.find((each) => JSON.parse(each).message === message)
        if (line !== undefined) return line
        await new Promise(setImmediate)
      }
    },
  }
}
