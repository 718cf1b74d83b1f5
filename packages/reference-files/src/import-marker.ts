import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { writeFileAtomic } from "@sluice/ops/atomic-file"
import { type FileVersion, sameVersion } from "./file-versions.ts"
import type { ImportSummary } from "./import-options.ts"

/** What an import leaves in the folder of the store: where it came from. */
export interface ImportMarker {
  readonly format: 1
  /** When it was finished, milliseconds since the Unix epoch. */
  readonly imported: number
  readonly files: readonly FileVersion[]
  readonly summary: ImportSummary
}

export function markerFile(storeFolder: string): string {
  return join(storeFolder, "imported.json")
}

export async function writeMarker(storeFolder: string, marker: ImportMarker): Promise<void> {
  await writeFileAtomic(markerFile(storeFolder), `${JSON.stringify(marker, null, 2)}\n`)
}

/** The marker of a store, or `undefined` when it was not imported. */
export async function readMarker(storeFolder: string): Promise<ImportMarker | undefined> {
  const text = await readFile(markerFile(storeFolder), "utf8").catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isMarker(value) ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Whether the store came from exactly these files. */
export function isOf(marker: ImportMarker, versions: readonly FileVersion[]): boolean {
  return (
    marker.files.length === versions.length && marker.files.every((version, i) => sameVersion(version, versions[i]))
  )
}

function isMarker(value: unknown): value is ImportMarker {
  const { format, files, summary } = (value ?? {}) as Partial<ImportMarker>
  return format === 1 && Array.isArray(files) && typeof summary === "object"
}
