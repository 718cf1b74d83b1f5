import { readFileSync } from "node:fs"
import { OperatorError } from "@sluice/ops/operator-error"

/** What a process has used up to now. */
export interface ProcessFigures {
  /** User and system time of all its threads. */
  readonly cpuSeconds: number
  /** Bytes of resident memory now, and at most so far. */
  readonly rss: number
  readonly rssPeak: number
}

/** Linux counts CPU time for programs in hundredths of a second on every architecture. */
const TICKS_PER_SECOND = 100
/** Fields of `stat` after the name of the program, counted from 0: user and system time. */
const USER_TIME = 11
const SYSTEM_TIME = 12

/** Reads the figures of a process on this machine. Throws `OperatorError` if there is none, or no `/proc`. */
export function processFigures(pid: number): ProcessFigures {
  const stat = readProc(pid, "stat")
  // The name is in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const ticks = Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])
  const status = readProc(pid, "status")
  return { cpuSeconds: ticks / TICKS_PER_SECOND, rss: kilobytes(status, "VmRSS"), rssPeak: kilobytes(status, "VmHWM") }
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1")
  } catch (error) {
    const why = process.platform === "linux" ? "there is no such process on this machine" : "it needs Linux"
    throw new OperatorError(`--pid: cannot read the figures of process ${pid}: ${why}`, { cause: error })
  }
}

function kilobytes(status: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)
  return Number(match?.[1] ?? 0) * 1024
}
