import { open, readdir, stat } from "node:fs/promises"
import { dirname } from "node:path"

/** Whether something is there. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Whether a folder is not there, or has nothing in it. */
export async function isVacant(folder: string): Promise<boolean> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return []
    throw error
  })
  return entries.length === 0
}

/** Makes the content of a file, or the names in a folder, durable. */
export async function syncPath(path: string): Promise<void> {
  await using handle = await open(path, "r")
  await handle.sync()
}

/** Makes the name of a file or folder durable. */
export async function syncName(path: string): Promise<void> {
  await syncPath(dirname(path))
}
