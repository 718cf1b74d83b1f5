import { open as openFile } from "node:fs/promises"
import { join } from "node:path"
import { open } from "lmdb"
import { checkFile } from "./file-check.ts"
import { BINARY, type BinaryRoot } from "./lmdb-tables.ts"
import { StoreFormatError } from "./store-format-error.ts"

/**
 * Address space for the file, 64 GiB; no memory. It grows by itself beyond that, but an outgrown map stays around until
 * the store is closed.
 */
const MAP_SIZE = 2 ** 36

const SCHEMA_KEY = new TextEncoder().encode("sluice queue store")
/** From version 2 on recent messages have a table of their own. */
const SCHEMA_VERSION = 2

/** Databases beside the tables: none now, some for later versions. */
const MAX_DATABASES = 32

export interface RootSettings {
  /** Whether a commit waits for the disk. */
  readonly sync: boolean
  /**
   * Of a new store. Bodies should fit in one page: of smaller ones they take several in a row, and finding such rows among
   * the freed pages costs ten times the write itself once a backlog was drained.
   */
  readonly pageSize: number
}

/** Opens the environment and makes sure that it is a store of this version. */
export async function openRoot(folder: string, { sync, pageSize }: RootSettings): Promise<BinaryRoot> {
  const created = await checkFile(join(folder, "data.mdb"))
  const root: BinaryRoot = open({
    path: folder,
    noSubdir: false,
    maxDbs: MAX_DATABASES,
    mapSize: MAP_SIZE,
    pageSize,
    // The promise of a transaction then means that it is on the disk.
    overlappingSync: false,
    noSync: !sync,
    // We make the groups ourselves. With lmdb's own batching a failed commit ends the process by a rejection that nobody
    // can handle.
    eventTurnBatching: false,
    permissionsMode: 0o600,
    ...BINARY,
  } as Parameters<typeof open<Uint8Array, Uint8Array>>[0])
  try {
    checkSchema(root)
    if (created) await syncFolder(folder)
    return root
  } catch (cause) {
    await root.close()
    throw cause
  }
}

function checkSchema(root: BinaryRoot): void {
  // Another process may make the same store at this moment: what is missing is looked for again where nobody else writes.
  const stored = root.getBinary(SCHEMA_KEY) ?? root.transactionSync(() => initialise(root))
  const version = stored[0]
  if (version === SCHEMA_VERSION) return
  if (version === 1) {
    // Nothing to change: its messages are all in the table that stays. An older program must not open it any more.
    root.transactionSync(() => root.putSync(SCHEMA_KEY, Uint8Array.of(SCHEMA_VERSION)))
    return
  }
  throw new StoreFormatError(
    `the store has schema version ${version}, this program knows ${SCHEMA_VERSION}: run the newer program that wrote it`,
  )
}

function initialise(root: BinaryRoot): Uint8Array {
  const stored = root.getBinary(SCHEMA_KEY)
  if (stored !== undefined) return stored
  if (Array.from(root.getKeys({ limit: 1 })).length > 0) {
    throw new StoreFormatError("the files in this folder are an LMDB environment of another program")
  }
  const version = Uint8Array.of(SCHEMA_VERSION)
  root.putSync(SCHEMA_KEY, version)
  return version
}

/** Makes the new files' names durable, not only their content. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await openFile(folder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
