import { mkdir, readdir, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { sha256OfFile } from "@sluice/crypto/native/file-digest"
import { toHex } from "@sluice/encoding/bytes"
import { snapshotNtfStore } from "@sluice/notifications/store/snapshot"
import { StoreError as NtfStoreError } from "@sluice/notifications/store/store-error"
import { ensureFolder, PRIVATE_FOLDER_MODE } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { askAdmin } from "../admin/admin-client.ts"
import { CommandFailure } from "../failure.ts"
import { exists, identityOf } from "../identity.ts"
import { type GlobalOptions, type Place, type Settings, shown } from "../place.ts"
import { readRunRecord } from "../run-record.ts"
import { VERSION } from "../version.ts"
import { copyPrivately } from "./copy-file.ts"
import { type BackupFile, type BackupManifest, writeManifest } from "./manifest.ts"
import {
  NOTIFICATIONS_STORE_NAME,
  notificationsStoreFolder,
  plainParts,
  SETTINGS_NAME,
  STORE_NAME,
  storeFolder,
} from "./parts.ts"

export interface BackupRequest {
  readonly place: Place
  readonly settings: Settings
  /** Those of the command, to reach the running relay. */
  readonly options: GlobalOptions
  /** Where it is to be; not there yet. */
  readonly folder: string
  /** Leave out the key of the identity. */
  readonly withoutCaKey: boolean
  /** Milliseconds. */
  readonly now: () => number
}

/**
 * Writes a backup into a new folder (0700, files 0600), which appears when it is complete. The stores are copied as they are
 * at one moment, while their servers are at work or stopped. Throws `OperatorError` and `CommandFailure`; then nothing is
 * left behind.
 */
export async function takeBackup(request: BackupRequest): Promise<BackupManifest> {
  const { folder, place, settings, now } = request
  if (await exists(folder)) throw new OperatorError(`${shown(folder)} is there already: name a new folder`)
  if (!(await exists(identityOf(place, settings).caCertificate))) {
    throw new OperatorError(`there is no relay in ${shown(place.dataFolder)}: nothing to back up`)
  }
  const partial = `${folder}.partial`
  await rm(partial, { recursive: true, force: true })
  await ensureFolder(dirname(folder))
  // Fails for one that is there again: in a folder that others write to, it could be somebody else's.
  await mkdir(partial, { mode: PRIVATE_FOLDER_MODE })
  try {
    const made = new Date(now()).toISOString()
    const counts = await copyStore(request, join(partial, STORE_NAME))
    await copyNotificationsStore(request, join(partial, NOTIFICATIONS_STORE_NAME))
    for (const part of plainParts(place, settings)) await copyFolder(part.folder, join(partial, part.name), request)
    if (await exists(place.configFile)) await copyPrivately(place.configFile, join(partial, SETTINGS_NAME))
    const files = await describe(partial)
    const { kind: storeKind } = settings.config.store
    const manifest = { format: 1, version: VERSION, made, storeKind, ...(counts && { counts }), files } as const
    await writeManifest(partial, manifest)
    await rename(partial, folder)
    return manifest
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw error
  }
}

/** Gives what is in the copy: it was opened to find out, so it can be. */
async function copyStore(request: BackupRequest, target: string): Promise<Record<string, number> | undefined> {
  const { place, settings, options, now } = request
  const source = storeFolder(place, settings)
  if (settings.config.store.kind !== "lmdb" || !(await exists(join(source, "data.mdb")))) return undefined
  if ((await readRunRecord(place)) === undefined) {
    await using store = await openLmdbStore({ folder: source })
    await store.snapshot(target)
  } else {
    const { folder } = await askAdmin(options, "POST", "/snapshot", { name: `for-backup-${now()}` })
    await moveFolder(String(folder), target)
  }
  const copy = await openLmdbStore({ folder: target })
  try {
    return { ...(await copy.counts()), blobs: await copy.blobs.countBlobs() }
  } finally {
    await copy.close()
    await rm(join(target, "lock.mdb"), { force: true })
  }
}

async function copyNotificationsStore({ place, settings }: BackupRequest, target: string): Promise<void> {
  const source = notificationsStoreFolder(place, settings)
  if (!(await exists(join(source, "data.mdb")))) return
  try {
    await snapshotNtfStore(source, target)
  } catch (error) {
    if (!(error instanceof NtfStoreError)) throw error
    throw new CommandFailure(`the store of the notification server can't be copied (${error.message})`, {
      cause: error,
    })
  }
}

/** Another folder's files; folders below it are none of a relay's. */
async function copyFolder(source: string, target: string, { withoutCaKey }: BackupRequest): Promise<void> {
  const entries = await readdir(source, { withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile() && !(withoutCaKey && entry.name === "ca.key"))
  if (files.length === 0) return
  await mkdir(target, { mode: PRIVATE_FOLDER_MODE })
  for (const { name } of files) await copyPrivately(join(source, name), join(target, name))
}

async function moveFolder(source: string, target: string): Promise<void> {
  try {
    await rename(source, target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error
    // On another file system.
    await mkdir(target, { mode: PRIVATE_FOLDER_MODE })
    await copyPrivately(join(source, "data.mdb"), join(target, "data.mdb"))
    await rm(source, { recursive: true })
  }
}

async function describe(folder: string): Promise<BackupFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Promise.all(
    paths.sort().map(async (path) => ({
      path: path.slice(folder.length + 1).replaceAll("\\", "/"),
      bytes: (await stat(path)).size,
      sha256: toHex(await sha256OfFile(path)),
    })),
  )
}
