import { OperatorError } from "@sluice/ops/operator-error"
import { type Comparison, compareStores } from "@sluice/queue-store/migration/compare-stores"
import { type MovableStore, migrateStore, NOTHING_MIGRATED } from "@sluice/queue-store/migration/migrate-store"
import { StoreError } from "@sluice/queue-store/store-error"
import { CommandFailure } from "../failure.ts"
import { type Migration, MigrationFile, type StoreKind } from "../migrate/migration-file.ts"
import { EmbeddedSide, RedisSide } from "../migrate/sides.ts"
import { columns, printData, printJson, say } from "../output.ts"
import { type GlobalOptions, loadSettings, type Place, placeOf, type Settings } from "../place.ts"
import { progressBar } from "../progress-bar.ts"
import { mustNotRun } from "../run-record.ts"

/** Options of `sluice migrate-store`. */
export interface MigrateOptions extends GlobalOptions {
  readonly to: StoreKind
  readonly json?: true
}

/** `sluice migrate-store` */
export async function migrateRelayStore(options: MigrateOptions): Promise<void> {
  const place = placeOf(options)
  const current = loadSettings(place)
  await mustNotRun(place)
  const file = new MigrationFile(place)
  const begun = await file.read()
  if (begun !== undefined && begun.to !== options.to) {
    throw new OperatorError(`--to: a migration to ${begun.to} was not finished: finish it, or remove ${file.path}`)
  }
  const migration = begun ?? { name: crypto.randomUUID(), to: options.to, state: NOTHING_MIGRATED, verified: false }
  if (begun !== undefined) say("Goes on where it was interrupted.")
  try {
    const comparison = await move(place, current, file, migration)
    await file.remove()
    report(options, comparison)
  } catch (error) {
    if (error instanceof StoreError) throw new CommandFailure(`${error.message}: run it again to go on`)
    throw error
  }
}

async function move(
  place: Place,
  current: Settings,
  file: MigrationFile,
  migration: Migration,
): Promise<Comparison | undefined> {
  const embedded = new EmbeddedSide(place, current)
  // Killed after everything was compared and given its name.
  if (migration.verified && migration.to === "lmdb" && (await embedded.isThere())) return undefined
  const redis = await RedisSide.connect(place, current)
  try {
    if (migration.verified && migration.to === "redis" && (await redis.isWhole())) return undefined
    const comparison =
      migration.to === "redis"
        ? await copy(file, migration, {
            open: () => both(embedded.openSource(), () => redis.openTarget(migration.name)),
            finish: ({ counts }) => redis.finish(counts),
          })
        : await copy(file, migration, {
            open: () => both(redis.openSource(), () => embedded.openTarget(migration.state !== NOTHING_MIGRATED)),
            finish: () => embedded.finish(),
          })
    return comparison
  } finally {
    await redis.close()
  }
}

interface Sides {
  readonly open: () => Promise<{ readonly source: MovableStore; readonly target: MovableStore }>
  /** Makes the target a store that can be served; both stores are closed. */
  readonly finish: (comparison: Comparison) => Promise<void>
}

async function copy(file: MigrationFile, migration: Migration, { open, finish }: Sides): Promise<Comparison> {
  const { source, target } = await open()
  let comparison: Comparison
  let { state } = migration
  try {
    const { queues, services } = await source.counts()
    const total = queues + services + (await source.blobs.countBlobs())
    using progress = new Shown()
    await file.write(migration)
    const copied = await migrateStore({
      ...{ source, target, state: migration.state },
      save: (state) => file.write({ ...migration, state }),
      onProgress: ({ copied }) => progress.show("copying", copied.queues + copied.services + copied.blobs, total),
    })
    state = { phase: "done", copied }
    comparison = await compareStores(source, target, { onProgress: (done) => progress.show("comparing", done, queues) })
  } finally {
    await Promise.all([source.close(), target.close()])
  }
  if (!comparison.equal) {
    const found = Object.entries(comparison.differences).filter(([, count]) => count > 0)
    throw new CommandFailure(
      `the copy differs (${found.map(([kind, count]) => `${kind}: ${count}`).join(", ")}): was the source in use? Remove the target and ${file.path}, and begin again`,
    )
  }
  await file.write({ ...migration, state, verified: true })
  await finish(comparison)
  return comparison
}

async function both(
  opening: Promise<MovableStore>,
  openTarget: () => Promise<MovableStore>,
): Promise<{ readonly source: MovableStore; readonly target: MovableStore }> {
  const source = await opening
  try {
    return { source, target: await openTarget() }
  } catch (error) {
    await source.close()
    throw error
  }
}

/** A bar on a terminal; elsewhere a line for every tenth. */
class Shown implements Disposable {
  readonly #bar = progressBar()
  #said = ""

  show(stage: string, done: number, total: number): void {
    this.#bar.show(stage, done, total)
    const tenth = total === 0 ? 10 : Math.min(10, Math.floor((10 * done) / total))
    const line = `${stage}: ${tenth * 10} %`
    if (process.stderr.isTTY || line === this.#said) return
    this.#said = line
    say(line)
  }

  [Symbol.dispose](): void {
    this.#bar.clear()
  }
}

function report({ to, json }: MigrateOptions, comparison: Comparison | undefined): void {
  if (json) printJson({ status: comparison === undefined ? "finished-before" : "migrated", ...comparison?.counts })
  else if (comparison !== undefined) {
    printData(columns(Object.entries(comparison.counts).map(([name, count]) => [words(name), String(count)] as const)))
  }
  say(
    `Everything is there and was compared. Set store.kind = "${to}" and start the relay; keep the source until it runs.`,
  )
}

/** `messageServices` → `message services`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
