import { mkdir, readdir, rename, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { PRIVATE_FOLDER_MODE } from "@sluice/ops/atomic-file"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import { copyIdentity, isIdentity } from "./identity-import.ts"
import { writeMarker } from "./import-marker.ts"
import type { ImportOptions, ImportSummary } from "./import-options.ts"
import { drySink, importRecords } from "./import-records.ts"
import { syncName, syncPath } from "./paths.ts"
import type { ImportPlan } from "./plan-import.ts"

export interface RunOptions extends ImportOptions {
  /** Read and check everything, report and count, and write nothing. */
  readonly dryRun?: boolean
  /** Milliseconds since the Unix epoch, for the marker of the store. */
  readonly now: () => number
  readonly crypto?: CryptoBackend
  /** Opens the new store; by default the embedded one, which need not wait for the disk before the end. */
  readonly openStore?: (folder: string) => Promise<QueueStore>
}

export interface ImportOutcome {
  /** `finished-before`: the store was there, complete, from the same files; at most the certificates were missing. */
  readonly status: "imported" | "dry-run" | "finished-before"
  readonly summary: ImportSummary
}

/**
 * Does what was planned. The store is built in a folder beside its own, which gets its name only when everything in it is
 * on the disk; the certificates follow. Whenever the process is killed, there is either no store or the whole one, and
 * planning and running again ends as an uninterrupted run would have.
 *
 * Throws `OperatorError` and what the store throws; then nothing is left behind.
 */
export async function runImport(plan: ImportPlan, options: RunOptions): Promise<ImportOutcome> {
  const { records, storeFolder, identity, finished } = plan
  if (options.dryRun === true) return { status: "dry-run", summary: await importRecords(records, drySink, options) }
  if (finished === undefined) {
    const summary = await buildStore(plan, options)
    if (identity !== undefined) await copyIdentity(identity.found, identity.folder)
    return { status: "imported", summary }
  }
  // Killed between the two steps, perhaps: the store is whole. Certificates that are whole too may be newer by now.
  if (identity !== undefined && !(await isIdentity(identity.folder)))
    await copyIdentity(identity.found, identity.folder)
  await rm(buildFolder(storeFolder), { recursive: true, force: true })
  return { status: "finished-before", summary: finished.summary }
}

/** Where a store is built that shall have this folder; on the same file system. */
export function buildFolder(storeFolder: string): string {
  return `${storeFolder}.importing`
}

async function buildStore(plan: ImportPlan, options: RunOptions): Promise<ImportSummary> {
  const { records, versions, storeFolder } = plan
  const { crypto = nativeCrypto } = options
  const openStore = options.openStore ?? ((folder: string) => openLmdbStore({ folder, sync: false, crypto }))
  const folder = buildFolder(storeFolder)
  await rm(folder, { recursive: true, force: true })
  await mkdir(dirname(storeFolder), { recursive: true, mode: PRIVATE_FOLDER_MODE })
  await mkdir(folder, { mode: PRIVATE_FOLDER_MODE })
  try {
    const summary = await fillStore(await openStore(folder), records, options)
    await writeMarker(folder, { format: 1, imported: options.now(), files: versions, summary })
    for (const name of await readdir(folder)) await syncPath(join(folder, name))
    await syncPath(folder)
    await rename(folder, storeFolder)
    await syncName(storeFolder)
    return summary
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function fillStore(
  store: QueueStore,
  records: ImportPlan["records"],
  options: RunOptions,
): Promise<ImportSummary> {
  try {
    return await importRecords(records, store, options)
  } finally {
    await store.close()
  }
}
