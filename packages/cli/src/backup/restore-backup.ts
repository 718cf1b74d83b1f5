import { mkdir, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { sha256OfFile } from "@sluice/crypto/native/file-digest"
import { toHex } from "@sluice/encoding/bytes"
import { ensureFolder, PRIVATE_FOLDER_MODE, writeFileAtomic } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import { exists } from "../identity.ts"
import { loadSettings, type Place, type Settings, shown } from "../place.ts"
import { copyPrivately } from "./copy-file.ts"
import { type BackupManifest, readManifest } from "./manifest.ts"
import { allParts, SETTINGS_NAME } from "./parts.ts"

export interface Restored {
  readonly manifest: BackupManifest
  readonly settings: Settings
}

/**
 * Brings a backup into a data folder that has none of what it brings. Every file is compared with its digest before the
 * first one is written. Settings that are there already are kept. The certificates come last: a relay does not start without them, so none starts on a part. One that
 * was interrupted is run again.
 */
export async function restoreBackup(folder: string, place: Place): Promise<Restored> {
  const manifest = await readManifest(folder)
  await verify(folder, manifest)
  const marker = join(place.dataFolder, "restoring.json")
  const again = await exists(marker)
  const bringsSettings = manifest.files.some(({ path }) => path === SETTINGS_NAME) && !(await exists(place.configFile))
  const settings = bringsSettings
    ? loadSettings({ ...place, configFile: join(folder, SETTINGS_NAME), configNamed: true })
    : loadSettings(place)
  const parts = allParts(place, settings).filter(({ name }) => filesOf(manifest, name).length > 0)
  if (!again) for (const part of parts) if (await exists(part.folder)) throw inTheWay(part.folder)
  await ensureFolder(place.dataFolder)
  // From here on what is in the way is what an interrupted run has left.
  await writeFileAtomic(marker, "{}\n")
  if (bringsSettings) await copyPrivately(join(folder, SETTINGS_NAME), place.configFile)
  for (const part of parts) {
    await rm(part.folder, { recursive: true, force: true })
    await ensureFolder(dirname(part.folder))
    await mkdir(part.folder, { mode: PRIVATE_FOLDER_MODE })
    for (const path of filesOf(manifest, part.name)) {
      await copyPrivately(join(folder, path), join(part.folder, path.slice(part.name.length + 1)))
    }
  }
  await rm(marker)
  return { manifest, settings }
}

async function verify(folder: string, { files }: BackupManifest): Promise<void> {
  for (const { path, bytes, sha256 } of files) {
    const file = join(folder, path)
    const size = await stat(file).then(
      (found) => found.size,
      () => -1,
    )
    if (size !== bytes || toHex(await sha256OfFile(file)) !== sha256) {
      throw new OperatorError(`${shown(folder)} is damaged: ${path} is not what it was when the backup was made`)
    }
  }
}

function filesOf({ files }: BackupManifest, part: string): string[] {
  return files.map(({ path }) => path).filter((path) => path.startsWith(`${part}/`))
}

function inTheWay(folder: string): OperatorError {
  return new OperatorError(`${shown(folder)} is there already: restore into a data folder of its own (--data)`)
}
