import { readFile } from "node:fs/promises"
import { isAbsolute, join, normalize } from "node:path"
import { writeFileAtomic } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import { shown } from "../place.ts"

/** A file of a backup. */
export interface BackupFile {
  /** Below the folder of the backup, with slashes. */
  readonly path: string
  readonly bytes: number
  /** SHA-256, hexadecimal. */
  readonly sha256: string
}

/** What a backup holds, as its `backup.json` says. */
export interface BackupManifest {
  readonly format: 1
  /** The release that made it. */
  readonly version: string
  /** When the copy of the store began, ISO 8601, UTC. */
  readonly made: string
  readonly storeKind: "lmdb" | "redis" | "memory"
  /** What is in the copy of the store, if there is one. */
  readonly counts?: Readonly<Record<string, number>>
  readonly files: readonly BackupFile[]
}

const NAME = "backup.json"

export function writeManifest(folder: string, manifest: BackupManifest): Promise<void> {
  return writeFileAtomic(join(folder, NAME), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** Reads what a backup holds. Throws `OperatorError` for a folder that is none, or of a later release. */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const text = await readFile(join(folder, NAME), "utf8").catch(() => undefined)
  if (text === undefined) throw new OperatorError(`${shown(folder)} is not a backup: there is no ${NAME} in it`)
  try {
    const value: unknown = JSON.parse(text)
    const { format, files } = (value ?? {}) as Partial<Record<keyof BackupManifest, unknown>>
    if (typeof format === "number" && format > 1) {
      throw new OperatorError(
        `${shown(folder)} has backup format ${format}, this program knows 1: use the newer program`,
      )
    }
    if (format === 1 && Array.isArray(files) && files.every(isFile)) return value as BackupManifest
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new OperatorError(`${shown(folder)} is not a backup that can be used: ${NAME} is garbled`)
}

function isFile(value: unknown): value is BackupFile {
  const { path, bytes, sha256 } = (value ?? {}) as Partial<Record<keyof BackupFile, unknown>>
  if (typeof path !== "string" || typeof bytes !== "number" || typeof sha256 !== "string") return false
  // No way out of the folder.
  return path !== "" && !isAbsolute(path) && normalize(path) === path && !path.startsWith("..")
}
