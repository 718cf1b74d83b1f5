import { mkdir, rename, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { PRIVATE_FOLDER_MODE } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import type { ExportOptions, ExportSummary } from "./export-options.ts"
import { RecordExport } from "./export-records.ts"
import { copyIdentity, findIdentity } from "./identity-import.ts"
import { LineWriter } from "./line-writer.ts"
import { isVacant, syncName, syncPath } from "./paths.ts"
import { dataFiles } from "./reference-names.ts"

export interface ExportTarget {
  readonly store: QueueStore
  /** Folder of the certificates, if they are to be exported. */
  readonly identityFolder?: string
  /** Folder to be made, with the contents of the reference's two folders in `data` and `config`. */
  readonly folder: string
  /** Unix seconds, for the validity of the certificates. */
  readonly now: number
  readonly crypto?: CryptoBackend
}

/** Content of the reference's `/var/opt/simplex` in an export. */
export function exportedData(folder: string): string {
  return join(folder, "data")
}

/** Content of the reference's `/etc/opt/simplex` in an export: certificates only, settings stay the operator's. */
export function exportedConfig(folder: string): string {
  return join(folder, "config")
}

/**
 * Writes a store and its certificates as files of the reference server. The store must not be served meanwhile: take a
 * snapshot of one that is. The folder appears when everything in it is on the disk.
 *
 * Throws `OperatorError` when there is something in the folder, or certificates cannot be used, and what the store throws;
 * then nothing is left behind.
 */
export async function exportStore(target: ExportTarget, options: ExportOptions = {}): Promise<ExportSummary> {
  const { store, identityFolder, folder, now, crypto = nativeCrypto } = target
  if (!(await isVacant(folder))) throw new OperatorError(`${folder} is not empty: name a new folder for the export`)
  const identity = identityFolder === undefined ? undefined : await findIdentity(crypto, identityFolder, now)
  const partial = `${folder}.exporting`
  await rm(partial, { recursive: true, force: true })
  await mkdir(dirname(folder), { recursive: true, mode: PRIVATE_FOLDER_MODE })
  await mkdir(exportedData(partial), { recursive: true, mode: PRIVATE_FOLDER_MODE })
  try {
    const summary = await writeRecords(store, crypto, { folder, partial }, options)
    if (identity !== undefined) await copyIdentity(identity, exportedConfig(partial))
    await syncPath(exportedData(partial))
    await syncPath(partial)
    await rename(partial, folder)
    await syncName(folder)
    return summary
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw error
  }
}

async function writeRecords(
  store: QueueStore,
  crypto: CryptoBackend,
  { folder, partial }: { readonly folder: string; readonly partial: string },
  options: ExportOptions,
): Promise<ExportSummary> {
  const written = dataFiles(exportedData(partial))
  const named = dataFiles(exportedData(folder))
  await using storeLog = await LineWriter.create(written.storeLog)
  await using messages = await LineWriter.create(written.messages)
  await using notifications = await LineWriter.create(written.notifications)
  const files = {
    storeLog: { path: named.storeLog, writer: storeLog },
    messages: { path: named.messages, writer: messages },
    notifications: { path: named.notifications, writer: notifications },
  }
  const summary = await new RecordExport(store, crypto, files, options).run()
  for (const { writer } of Object.values(files)) await writer.finish()
  return summary
}
