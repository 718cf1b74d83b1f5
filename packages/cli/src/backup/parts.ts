import { dirname, join } from "node:path"
import { identityOf } from "../identity.ts"
import type { Place, Settings } from "../place.ts"

/** A folder of the data folder that a backup holds whole. */
export interface BackupPart {
  /** Its name in the backup. */
  readonly name: string
  /** Absolute path of where it is, or is to be. */
  readonly folder: string
}

/** Name of the settings in a backup. */
export const SETTINGS_NAME = "sluice.toml"
export const STORE_NAME = "store"
export const NOTIFICATIONS_STORE_NAME = "notifications-store"
/** The certificates of the relay: without them there is no address, so they come back last. */
export const IDENTITY_NAME = "identity"

/** Where the embedded store is. */
export function storeFolder({ dataFolder }: Place, { config }: Settings): string {
  return join(dataFolder, config.store.path)
}

/** Where the store of a notification server is. */
export function notificationsStoreFolder({ dataFolder }: Place, { config }: Settings): string {
  return join(dataFolder, config.notifications.storePath)
}

/** Folders that are copied file by file, and may be missing. */
export function plainParts(place: Place, current: Settings): readonly BackupPart[] {
  const { notifications, statistics } = current.config
  return [
    { name: "statistics", folder: join(place.dataFolder, statistics.path) },
    { name: "notifications-identity", folder: join(place.dataFolder, notifications.identity) },
    { name: IDENTITY_NAME, folder: dirname(identityOf(place, current).caCertificate) },
  ]
}

/** All folders of a backup, in the order in which they are to come back. */
export function allParts(place: Place, current: Settings): readonly BackupPart[] {
  return [
    { name: STORE_NAME, folder: storeFolder(place, current) },
    { name: NOTIFICATIONS_STORE_NAME, folder: notificationsStoreFolder(place, current) },
    ...plainParts(place, current),
  ]
}
