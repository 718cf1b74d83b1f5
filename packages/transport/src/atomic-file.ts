import { link, open, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"

/** How {@link writeFileAtomically} writes. */
export interface AtomicWrite {
  /** Permission bits of the new file. */
  readonly mode: number
  /** Whether a file that is there is replaced; if not, the call fails with code `EEXIST`. */
  readonly replace: boolean
}

/**
 * Writes a file so that, at any moment and after a crash, its path has either the old content or all of the new one.
 * The file has its permissions before it has content.
 */
export async function writeFileAtomically(path: string, content: string, options: AtomicWrite): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = await open(temporary, "w", options.mode)
    try {
      await file.chmod(options.mode) // the mode given to `open` is cut by the umask and ignored for a left-over file
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    if (options.replace) await rename(temporary, path)
    else await link(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncDirectory(dirname(path))
}

/** Makes a new name in a directory durable. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r")
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
