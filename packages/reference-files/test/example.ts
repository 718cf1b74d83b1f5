import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { exportStore } from "@sluice/reference-files/export-store"
import { planImport } from "@sluice/reference-files/plan-import"
import { formatProblem } from "@sluice/reference-files/problem"
import { runImport } from "@sluice/reference-files/run-import"

/** Takes over a stopped reference server into the folder of a relay; `say` prints a line. */
export async function takeOver(
  config: string,
  data: string,
  relay: string,
  say: (line: string) => void,
): Promise<void> {
  const plan = await planImport({
    configFolder: config, // /etc/opt/simplex
    dataFolder: data, // /var/opt/simplex
    storeFolder: `${relay}/store`,
    identityFolder: `${relay}/identity`,
    now: Math.floor(Date.now() / 1000),
  })
  for (const note of plan.notes) say(note)
  const { summary } = await runImport(plan, {
    now: Date.now,
    onProblem: (problem) => say(formatProblem(problem)),
    onProgress: ({ stage, done, total }) => say(`${stage}: ${done} of ${total}`),
  })
  say(`${summary.queues} queues with ${summary.messages} messages; ${summary.skipped} records left out`)
}

/** Writes the store of a relay that is not running as files of the reference server. */
export async function giveBack(relay: string, folder: string, say: (line: string) => void): Promise<void> {
  const store = await openLmdbStore({ folder: `${relay}/store` })
  try {
    const target = { store, identityFolder: `${relay}/identity`, folder, now: Math.floor(Date.now() / 1000) }
    await exportStore(target, { onProblem: (problem) => say(formatProblem(problem)) })
  } finally {
    await store.close()
  }
}
