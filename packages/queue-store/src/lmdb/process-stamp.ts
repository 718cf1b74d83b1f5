import { readFileSync } from "node:fs"

/** A process of this machine, told apart from a later one with the same number. */
export interface ProcessStamp {
  readonly pid: number
  /** When it was started, in units that only the system knows; 0 where it does not say. */
  readonly started: number
}

/** States of processes that ended and are only kept until somebody asks how: zombie, dead. */
const ENDED = new Set(["Z", "X"])

/** The process that this code runs in. */
export function thisProcess(): ProcessStamp {
  return { pid: process.pid, started: readStat(process.pid)?.started ?? 0 }
}

/** Whether a process still runs, or is only paused. One whose start is not known counts as long as its number is used. */
export function isAlive({ pid, started }: ProcessStamp): boolean {
  if (!exists(pid)) return false
  const stat = readStat(pid)
  if (stat === undefined) return true
  return !ENDED.has(stat.state) && (started === 0 || stat.started === started)
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's process cannot be signalled, but it is there.
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/** What Linux says: state and start time are fields 3 and 22, behind a name that may hold spaces and brackets. */
function readStat(pid: number): { readonly state: string; readonly started: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1")
    const [state = "", ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ")
    return { state, started: Number(fields[18]) }
  } catch {
    return undefined // other systems have no such file
  }
}
