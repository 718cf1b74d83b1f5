import { chmod, mkdir, open, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { toStoreError } from "./lmdb-errors.ts"
import type { BinaryRoot } from "./lmdb-tables.ts"

/** Copies the environment as it is now into a folder that does not exist yet. */
export async function writeSnapshot(root: BinaryRoot, folder: string): Promise<void> {
  const partial = `${folder}.partial`
  try {
    if (await exists(folder)) throw new Error("the folder of the snapshot exists already")
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true, mode: 0o700 })
    await root.backup(partial, false)
    // LMDB makes it with the mode of any file.
    await chmod(join(partial, "data.mdb"), 0o600)
    await syncPath(join(partial, "data.mdb"))
    await syncPath(partial)
    await rename(partial, folder)
    await syncPath(dirname(folder))
  } catch (cause) {
    await rm(partial, { recursive: true, force: true })
    throw toStoreError(cause, "snapshot")
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
