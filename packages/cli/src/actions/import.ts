import { dirname, join, resolve } from "node:path"
import { OperatorError } from "@sluice/ops/operator-error"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { StoreError } from "@sluice/queue-store/store-error"
import { exportStore } from "@sluice/reference-files/export-store"
import { planImport } from "@sluice/reference-files/plan-import"
import { formatProblem, type Problem } from "@sluice/reference-files/problem"
import { runImport } from "@sluice/reference-files/run-import"
import { exists, identityOf, unixSeconds } from "../identity.ts"
import { columns, printData, printJson, say } from "../output.ts"
import { type GlobalOptions, loadSettings, type Place, placeOf, type Settings, shown } from "../place.ts"
import { progressBar } from "../progress-bar.ts"
import { mustNotRun } from "../run-record.ts"

/** Options of `sluice import`. */
export interface ImportCommandOptions extends GlobalOptions {
  readonly from?: string
  readonly certificates?: string
  readonly storeLog?: string
  readonly messages?: string
  readonly notifications?: string
  readonly dryRun?: true
  readonly json?: true
}

/** `sluice import` */
export async function importReference(options: ImportCommandOptions): Promise<void> {
  const { from, certificates, storeLog, messages, notifications } = options
  if (from === undefined && storeLog === undefined) {
    throw new OperatorError("nothing to import: name the data folder with --from, or a store log with --store-log")
  }
  const place = placeOf(options)
  const current = loadSettings(place)
  await mustNotRun(place)
  const plan = await planImport({
    ...(from !== undefined && { dataFolder: resolve(from) }),
    ...(certificates !== undefined && { configFolder: resolve(certificates) }),
    ...(storeLog !== undefined && { storeLog: resolve(storeLog) }),
    ...(messages !== undefined && { messages: resolve(messages) }),
    ...(notifications !== undefined && { notifications: resolve(notifications) }),
    storeFolder: storeFolderOf(place, current),
    ...(certificates !== undefined && { identityFolder: dirname(identityOf(place, current).caCertificate) }),
    now: unixSeconds(),
  })
  for (const note of plan.notes) say(note)
  using bar = progressBar()
  const { status, summary } = await runImport(plan, {
    now: Date.now,
    quota: current.config.relay.messageQuota,
    ...(options.dryRun && { dryRun: true }),
    onProgress: ({ stage, done, total }) => bar.show(stage, done, total),
    onProblem: (problem) => bar.line(formatProblem(problem)),
  })
  bar.clear()
  if (options.json) printJson({ status, ...summary })
  else printData(columns(Object.entries(summary).map(([name, count]) => [words(name), String(count)] as const)))
  if (status === "dry-run") say("A dry run: nothing was written.")
  else if (status === "finished-before") say("It was imported before; nothing had to be done.")
  else say(`Imported into ${shown(storeFolderOf(place, current))}. Set relay.host to its name before you start it.`)
}

/** `sluice export` */
export async function exportReference(
  folder: string,
  options: GlobalOptions & { readonly json?: true },
): Promise<void> {
  const place = placeOf(options)
  const current = loadSettings(place)
  await mustNotRun(place)
  const storeFolder = storeFolderOf(place, current)
  if (!(await exists(storeFolder))) {
    throw new OperatorError(`store.path: ${shown(storeFolder)} is not there; allowed: the folder of a relay's store`)
  }
  const { caCertificate } = identityOf(place, current)
  const store = await openLmdbStore({ folder: storeFolder })
  using bar = progressBar()
  try {
    const summary = await exportStore(
      {
        store,
        folder: resolve(folder),
        now: unixSeconds(),
        ...((await exists(caCertificate)) && { identityFolder: dirname(caCertificate) }),
      },
      {
        onProgress: ({ done, total }) => bar.show("queues", done, total),
        onProblem: (problem: Problem) => bar.line(formatProblem(problem)),
      },
    )
    bar.clear()
    if (options.json) printJson(summary)
    else printData(columns(Object.entries(summary).map(([name, count]) => [words(name), String(count)] as const)))
  } catch (error) {
    if (error instanceof StoreError)
      throw new OperatorError(`${shown(storeFolder)}: ${error.message}`, { cause: error })
    throw error
  } finally {
    await store.close()
  }
}

function storeFolderOf({ dataFolder }: Place, { config }: Settings): string {
  return join(dataFolder, config.store.path)
}

/** `quotaMarkers` → `quota markers`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
