import { open as openFile } from "node:fs/promises"
import { join } from "node:path"
import { type Schema, SchemaError, stepsFrom } from "@sluice/ops/schema"
import { open } from "lmdb"
import { LMDB_SCHEMA } from "../schemas.ts"
import { checkFile } from "./file-check.ts"
import { BINARY, type BinaryRoot } from "./lmdb-tables.ts"
import { StoreFormatError } from "./store-format-error.ts"

/**
 * Address space for the file, 64 GiB; no memory. It grows by itself beyond that, but an outgrown map stays around until
 * the store is closed.
 */
const MAP_SIZE = 2 ** 36

const SCHEMA_KEY = new TextEncoder().encode("sluice queue store")

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

/**
 * Makes sure that the environment is a store of this version: writes that of a new one, and takes the steps that an older
 * one needs, each in one transaction with the record of its version. Exported for tests of schemas to come.
 */
export function checkSchema(root: BinaryRoot, schema: Schema<BinaryRoot> = LMDB_SCHEMA): void {
  // Another process may make the same store at this moment: what is missing is looked for again where nobody else writes.
  const stored = root.getBinary(SCHEMA_KEY) ?? root.transactionSync(() => initialise(root, schema.version))
  try {
    for (const { to } of stepsFrom(schema, stored[0] ?? 0)) root.transactionSync(() => takeStep(root, schema, to))
  } catch (cause) {
    if (cause instanceof SchemaError) throw new StoreFormatError(cause.message, { cause })
    throw cause
  }
}

/** One step, unless another process that opens the same store has taken it meanwhile. */
function takeStep(root: BinaryRoot, schema: Schema<BinaryRoot>, to: number): void {
  const present = root.getBinary(SCHEMA_KEY)?.[0] ?? 0
  const step = stepsFrom(schema, present).find((needed) => needed.to === to)
  if (step === undefined) return
  if (step.run(root) instanceof Promise) throw new Error("a step in a transaction must not wait for anything")
  root.putSync(SCHEMA_KEY, Uint8Array.of(to))
}

function initialise(root: BinaryRoot, schemaVersion: number): Uint8Array {
  const stored = root.getBinary(SCHEMA_KEY)
  if (stored !== undefined) return stored
  if (Array.from(root.getKeys({ limit: 1 })).length > 0) {
    throw new StoreFormatError("the files in this folder are an LMDB environment of another program")
  }
  const version = Uint8Array.of(schemaVersion)
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
