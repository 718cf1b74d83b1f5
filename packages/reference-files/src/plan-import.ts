import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { OperatorError } from "@sluice/ops/operator-error"
import { type FileVersion, versionsOf } from "./file-versions.ts"
import { type FoundIdentity, findIdentity, refuseOtherIdentity } from "./identity-import.ts"
import { type ImportMarker, isOf, readMarker } from "./import-marker.ts"
import type { RecordFiles } from "./import-options.ts"
import { exists, isVacant } from "./paths.ts"
import { dataFiles, readCopy, startCopy } from "./reference-names.ts"
import { refuseJournal, refuseOtherStores } from "./source-checks.ts"

export interface PlanOptions {
  /** Data folder of the reference server; its files are taken by their names. */
  readonly dataFolder?: string
  /** Single files, in place of those of the data folder. */
  readonly storeLog?: string
  readonly messages?: string
  readonly notifications?: string
  /** Configuration folder of the reference server, for the certificates; without it they are not imported. */
  readonly configFolder?: string
  /** Folder of the new store. Must not have anything in it. */
  readonly storeFolder: string
  /** Folder of the new identity; needed with `configFolder`. */
  readonly identityFolder?: string
  /** Unix seconds, for the validity of the certificates. */
  readonly now: number
  readonly crypto?: CryptoBackend
}

/** What an import will do. Nothing was written yet. */
export interface ImportPlan {
  readonly records: RecordFiles
  readonly versions: readonly FileVersion[]
  readonly storeFolder: string
  readonly identity?: { readonly found: FoundIdentity; readonly folder: string }
  /** What the operator should know about the choice of files, a line each. */
  readonly notes: readonly string[]
  /** The store is there already, from exactly these files: an earlier import that came to its end. */
  readonly finished?: ImportMarker
}

/**
 * Finds the files to import and checks what can be checked without reading them all. Throws `OperatorError`: files that are
 * missing, messages or queues in journal files or a database, certificates that clients would refuse, and a target that has
 * a store or another server's identity in it.
 */
export async function planImport(options: PlanOptions): Promise<ImportPlan> {
  const { dataFolder, configFolder, storeFolder, crypto = nativeCrypto } = options
  // Files that are named one by one are what the operator wants, whatever else there is.
  if (options.storeLog === undefined && configFolder !== undefined) await refuseOtherStores(configFolder)
  if (options.messages === undefined && dataFolder !== undefined) await refuseJournal(dataFolder)
  const notes: string[] = []
  const records = await findRecords(options, notes)
  const versions = [...(await versionsOf(records)).values()]
  const identity = await planIdentity(options, crypto, notes)
  const finished = await checkStoreFolder(storeFolder, versions)
  return {
    records,
    versions,
    storeFolder,
    ...(identity !== undefined && { identity }),
    notes,
    ...(finished !== undefined && { finished }),
  }
}

async function findRecords(options: PlanOptions, notes: string[]): Promise<RecordFiles> {
  const { dataFolder } = options
  const found = dataFolder === undefined ? undefined : dataFiles(dataFolder)
  const storeLog = options.storeLog ?? (await findStoreLog(found?.storeLog, notes))
  if (storeLog === undefined) {
    throw new OperatorError(
      `${dataFolder ?? "the data folder"} has no smp-server-store.log: name the data folder of the reference server, by default /var/opt/simplex`,
    )
  }
  const messages = options.messages ?? (await findSaved(found?.messages, "messages", notes))
  const notifications = options.notifications ?? (await findSaved(found?.notifications, "notifications", notes))
  return {
    storeLog,
    ...(messages !== undefined && { messages }),
    ...(notifications !== undefined && { notifications }),
  }
}

async function findStoreLog(path: string | undefined, notes: string[]): Promise<string | undefined> {
  if (path === undefined) return undefined
  const copy = startCopy(path)
  if (await exists(copy)) {
    notes.push(`${copy} is taken: the server was stopped while it compacted its log, and the log itself is not whole`)
    return copy
  }
  return (await exists(path)) ? path : undefined
}

async function findSaved(path: string | undefined, what: string, notes: string[]): Promise<string | undefined> {
  if (path === undefined || (await exists(path))) return path
  const old = (await exists(readCopy(path))) ? `; ${readCopy(path)} is from an earlier stop and is not taken` : ""
  notes.push(`no ${what}: ${path} is written when the server is stopped with SIGINT${old}`)
  return undefined
}

async function planIdentity(
  options: PlanOptions,
  crypto: CryptoBackend,
  notes: string[],
): Promise<ImportPlan["identity"]> {
  const { configFolder, identityFolder: folder, now } = options
  if (configFolder === undefined) {
    notes.push("no certificates: without the reference server's configuration folder its address is not taken over")
    return undefined
  }
  if (folder === undefined) throw new OperatorError("a folder for the certificates is needed")
  const found = await findIdentity(crypto, configFolder, now)
  await refuseOtherIdentity(crypto, folder, found)
  if (!found.hasCaKey) notes.push(`no CA key in ${configFolder}: it is needed only to make new certificates later`)
  return { found, folder }
}

/** The marker of an earlier import of the same files, if the store is that. */
async function checkStoreFolder(folder: string, versions: readonly FileVersion[]): Promise<ImportMarker | undefined> {
  if (await isVacant(folder)) return undefined
  const marker = await readMarker(folder)
  if (marker === undefined) {
    throw new OperatorError(`${folder} has a store or other files in it: import makes a new store, name another folder`)
  }
  if (isOf(marker, versions)) return marker
  throw new OperatorError(
    `${folder} was imported from other files on ${new Date(marker.imported).toISOString()}: remove it to import again, messages received since are lost then`,
  )
}
