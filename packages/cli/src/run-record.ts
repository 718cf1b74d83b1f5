import { readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { writeFileAtomic } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import { type Place, shown } from "./place.ts"

/** What a running relay leaves in the data folder, so that commands in other terminals find it. */
export interface RunRecord {
  readonly pid: number
  /** The real port, also where the configuration leaves it to the system. */
  readonly port: number
  readonly adminPort: number
}

/** Leaves the record of this process. */
export function writeRunRecord(place: Place, record: RunRecord): Promise<void> {
  return writeFileAtomic(fileOf(place), `${JSON.stringify(record)}\n`)
}

/** Removes it again. */
export function removeRunRecord(place: Place): Promise<void> {
  return rm(fileOf(place), { force: true })
}

/** The record of a relay that is running; `undefined` when there is none, or its process is gone. */
export async function readRunRecord(place: Place): Promise<RunRecord | undefined> {
  const record = parse(await readFile(fileOf(place), "utf8").catch(() => ""))
  return record !== undefined && isAlive(record.pid) ? record : undefined
}

/** Throws `OperatorError` while a relay of this data folder is running. */
export async function mustNotRun(place: Place): Promise<void> {
  const running = await readRunRecord(place)
  if (running === undefined) return
  throw new OperatorError(`the relay of ${shown(place.dataFolder)} is running (process ${running.pid}): stop it first`)
}

function fileOf({ dataFolder }: Place): string {
  return join(dataFolder, "relay.running.json")
}

/** A file that is garbled says as little as one that is not there. */
function parse(text: string): RunRecord | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== "object" || value === null) return undefined
    const { pid, port, adminPort } = value as Record<string, unknown>
    if (typeof pid !== "number" || typeof port !== "number" || typeof adminPort !== "number") return undefined
    return { pid, port, adminPort }
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // The process of another user can't be signalled, but it is there.
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}
