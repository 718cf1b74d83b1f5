import { join } from "node:path"

/** Files of the reference server's data folder, `/var/opt/simplex` (relay-operations.md §2). */
export interface DataFiles {
  readonly storeLog: string
  /** Undelivered messages, written when the server stops. */
  readonly messages: string
  /** Pending notifications, likewise. */
  readonly notifications: string
}

export function dataFiles(folder: string): DataFiles {
  return {
    storeLog: join(folder, "smp-server-store.log"),
    messages: join(folder, "smp-server-messages.log"),
    notifications: join(folder, "smp-server-ntfs.log"),
  }
}

/** The copy that is there while the log is compacted, or after a crash in that time; then the log itself is partial. */
export function startCopy(storeLog: string): string {
  return `${storeLog}.start`
}

/** What a file is called after the running server has read it. */
export function readCopy(path: string): string {
  return `${path}.bak`
}

/** Folder of messages in the journal form. */
export function journalFolder(dataFolder: string): string {
  return join(dataFolder, "messages")
}

/** Settings, in the configuration folder, `/etc/opt/simplex`. */
export function settingsFile(configFolder: string): string {
  return join(configFolder, "smp-server.ini")
}
