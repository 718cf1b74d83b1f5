import { chmod, copyFile, open } from "node:fs/promises"
import { SECRET_FILE_MODE } from "@sluice/ops/atomic-file"

/** Copies a file, for its owner alone (0600) whatever the original's mode, and waits until the disk has it. */
export async function copyPrivately(source: string, target: string): Promise<void> {
  await copyFile(source, target)
  await chmod(target, SECRET_FILE_MODE)
  await using file = await open(target, "r")
  await file.sync()
}
