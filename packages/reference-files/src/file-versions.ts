import { stat } from "node:fs/promises"
import { basename } from "node:path"
import { OperatorError } from "@sluice/ops/operator-error"
import type { RecordFiles } from "./import-options.ts"

/** What tells whether a file is still the same without reading it. */
export interface FileVersion {
  /** Without folder. */
  readonly name: string
  readonly size: number
  /** Milliseconds since the Unix epoch. */
  readonly modified: number
}

/** Versions of the files by path, in a fixed order. Throws `OperatorError` for a file that is not there. */
export async function versionsOf(files: RecordFiles): Promise<ReadonlyMap<string, FileVersion>> {
  const versions = new Map<string, FileVersion>()
  for (const path of [files.storeLog, files.messages, files.notifications]) {
    if (path !== undefined) versions.set(path, await versionOf(path))
  }
  return versions
}

export function sameVersion(a: FileVersion | undefined, b: FileVersion | undefined): boolean {
  return a !== undefined && b !== undefined && a.name === b.name && a.size === b.size && a.modified === b.modified
}

/** The file is not what it was at the start: what was read of it may fit together wrongly. */
export function changedMeanwhile(path: string): OperatorError {
  return new OperatorError(`${path} was changed while it was read: stop the server that writes it first`)
}

async function versionOf(path: string): Promise<FileVersion> {
  const found = await readable(path, stat(path))
  if (!found.isFile()) throw new OperatorError(`${path} is not a file`)
  return { name: basename(path), size: found.size, modified: found.mtimeMs }
}

/** The result of reading something, with the failure of the file system as an error for the operator. */
export async function readable<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof OperatorError || !(error instanceof Error) || !("code" in error)) throw error
    throw new OperatorError(`${path} cannot be read (${String(error.code)})`, { cause: error })
  }
}
