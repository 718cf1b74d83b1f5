import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"

/** Folders that do not exist yet, below one that is removed after the tests of the file. */
export function temporaryFolders(): () => Promise<string> {
  let parent: Promise<string> | undefined
  let count = 0
  afterAll(async () => {
    if (parent !== undefined) await rm(await parent, { recursive: true, force: true })
  })
  return async () => {
    parent ??= mkdtemp(join(tmpdir(), "sluice-queue-store-"))
    return join(await parent, `${count++}`)
  }
}
