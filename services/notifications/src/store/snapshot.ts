import { chmod, mkdir } from "node:fs/promises"
import { join } from "node:path"
import { open, type RootDatabase } from "lmdb"
import { StoreError } from "./store-error.ts"

/**
 * Copies the store of a folder, as it is now, into another folder (0700, file 0600), which is made; the server may be at work. Only one of
 * the same machine and process numbers: LMDB finds its readers by these. Rejects with `StoreError`.
 */
export async function snapshotNtfStore(folder: string, target: string): Promise<void> {
  let root: RootDatabase<Uint8Array, Uint8Array> | undefined
  try {
    root = open({ path: folder, noSubdir: false, readOnly: true, encoding: "binary", keyEncoding: "binary" })
    // A copy that was killed is still counted as a reader, for which the server would keep everything.
    root.readerCheck()
    await mkdir(target, { recursive: true, mode: 0o700 })
    await root.backup(target, false)
    // LMDB makes it with the mode of any file.
    await chmod(join(target, "data.mdb"), 0o600)
  } catch (cause) {
    throw new StoreError("UNAVAILABLE", "snapshot", { cause })
  } finally {
    await root?.close()
  }
}
