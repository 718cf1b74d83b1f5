import { resolve } from "node:path"
import type { BackupManifest } from "../backup/manifest.ts"
import { restoreBackup } from "../backup/restore-backup.ts"
import { takeBackup } from "../backup/take-backup.ts"
import { columns, printData, printJson, say } from "../output.ts"
import { type GlobalOptions, loadSettings, placeOf, shown } from "../place.ts"
import { mustNotRun } from "../run-record.ts"

/** Options of `sluice backup`. */
export interface BackupOptions extends GlobalOptions {
  /** False for `--no-ca-key`. */
  readonly caKey: boolean
  readonly json?: true
}

/** `sluice backup` */
export async function backup(folder: string, options: BackupOptions): Promise<void> {
  const place = placeOf(options)
  const settings = loadSettings(place)
  const manifest = await takeBackup({
    ...{ place, settings, options, now: Date.now },
    folder: resolve(folder),
    withoutCaKey: !options.caKey,
  })
  print(manifest, options)
  if (manifest.storeKind === "redis") say("Queues and messages are in Redis: back that up, too.")
  say(
    `Backed up into ${shown(resolve(folder))}. Whoever has it can be this relay and read what waits in it: keep it safe.`,
  )
}

/** `sluice restore` */
export async function restore(folder: string, options: GlobalOptions & { readonly json?: true }): Promise<void> {
  const place = placeOf(options)
  await mustNotRun(place)
  const { manifest } = await restoreBackup(resolve(folder), place)
  print(manifest, options)
  say(`Restored into ${shown(place.dataFolder)}. Never run the old relay and this one at the same time.`)
}

function print({ made, version, counts = {}, files }: BackupManifest, { json }: { readonly json?: true }): void {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const all = { made, version, ...counts, files: files.length, bytes }
  if (json) printJson(all)
  else printData(columns(Object.entries(all).map(([name, value]) => [words(name), String(value)] as const)))
}

/** `messageServices` → `message services`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
