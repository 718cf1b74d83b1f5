import { type FSWatcher, watch } from "node:fs"
import { stat } from "node:fs/promises"
import { dirname } from "node:path"
import type { Clock, Timer } from "./clock.ts"
import type { Log } from "./log.ts"
import type { CounterFamily, MetricsRegister } from "./metrics.ts"

/** What a program has read from files, and takes over again when they change. */
export interface FileReloadOptions<T> {
  /** What it is, for the log: "certificates". */
  readonly what: string
  /** Absolute paths; all may be replaced, as files or by links. */
  readonly files: readonly string[]
  /** Reads the files. Rejects with `OperatorError` when they can't be used, also while only some of them are new. */
  readonly load: () => Promise<T>
  /** Whether nothing has changed. */
  readonly same: (present: T, loaded: T) => boolean
  /** Takes it over. */
  readonly use: (loaded: T) => void
  /** What was read at the start. */
  readonly present: T
  /** Name of the counter of results. Default `sluice_certificate_reloads_total`. */
  readonly metric?: string
  /** Milliseconds without another change before the files are read. Default 1 s: several are seldom written at once. */
  readonly settle?: number
  /** Milliseconds between two looks at the files where the system does not tell of changes. Default one minute. */
  readonly interval?: number
}

export interface FileReloadComponents {
  readonly clock: Clock
  readonly log: Log
  readonly register: MetricsRegister
}

type Result = "taken" | "unchanged" | "refused"

/**
 * Takes files over when they change, or when it is told to. What can't be used is refused, logged and counted, and
 * the present values stay.
 *
 * Changes are noticed by watching the folders, which sees files being replaced and links being set anew, and by looking at
 * the files from time to time, for file systems that do not tell.
 */
export class FileReload<T> {
  readonly #options: FileReloadOptions<T>
  readonly #clock: Clock
  readonly #log: Log
  readonly #results: CounterFamily<{ readonly result: readonly Result[] }>
  #present: T
  #watchers: readonly FSWatcher[] = []
  #settling: Timer | undefined
  #polling: Timer | undefined
  #seen = ""
  #work: Promise<unknown> = Promise.resolve()
  #started = false

  constructor(options: FileReloadOptions<T>, { clock, log, register }: FileReloadComponents) {
    this.#options = options
    this.#clock = clock
    this.#log = log
    this.#present = options.present
    this.#results = register.counters({
      name: options.metric ?? "sluice_certificate_reloads_total",
      help: "Times that certificates were read again while serving",
      labels: { result: ["taken", "unchanged", "refused"] },
    })
  }

  /** What is in use. */
  get present(): T {
    return this.#present
  }

  /** Watches from now on. */
  async start(): Promise<void> {
    if (this.#started) return
    this.#started = true
    this.#seen = await this.#look()
    const folders = new Set(this.#options.files.map((file) => dirname(file)))
    this.#watchers = [...folders].flatMap((folder) => this.#watch(folder))
    this.#poll()
  }

  stop(): void {
    this.#started = false
    this.#settling?.cancel()
    this.#polling?.cancel()
    for (const watcher of this.#watchers) watcher.close()
    this.#watchers = []
  }

  /** Reads the files now. Rejects with why they can't be used; the present values then stay. */
  reload(): Promise<void> {
    const done = this.#work.then(() => this.#take())
    this.#work = done.catch(() => undefined)
    return done
  }

  async #take(): Promise<void> {
    const count = (result: Result): void => {
      this.#results.with({ result }).value++
    }
    try {
      const loaded = await this.#options.load()
      if (this.#options.same(this.#present, loaded)) return count("unchanged")
      this.#options.use(loaded)
      this.#present = loaded
      count("taken")
    } catch (error) {
      count("refused")
      throw error
    }
  }

  #watch(folder: string): FSWatcher[] {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#changed())
      // The folder is gone, or the system has no more watches: looking from time to time goes on.
      watcher.on("error", () => watcher.close())
      return [watcher]
    } catch {
      return [] // the same from the beginning
    }
  }

  #poll(): void {
    this.#polling = this.#clock.setTimeout(
      () => {
        this.#changed()
        if (this.#started) this.#poll()
      },
      this.#options.interval ?? 60_000,
      { background: true },
    )
  }

  /** Reads the files when nothing has changed for a while, and then only if they are not those that were read. */
  #changed(): void {
    if (!this.#started) return
    this.#settling?.cancel()
    const settled = (): void => void this.#reloadChanged()
    this.#settling = this.#clock.setTimeout(settled, this.#options.settle ?? 1000, { background: true })
  }

  async #reloadChanged(): Promise<void> {
    const seen = await this.#look()
    if (seen === this.#seen || !this.#started) return
    this.#seen = seen
    const { what } = this.#options
    const before = this.#present
    try {
      await this.reload()
      if (this.#present !== before) this.#log.info(`took over new ${what}`)
    } catch (error) {
      this.#log.error(`new ${what} can't be used, going on with the present ones`, { error })
    }
  }

  /** Tells apart any two versions of the files, without reading them. */
  async #look(): Promise<string> {
    const marks = this.#options.files.map((file) =>
      stat(file, { bigint: true }).then(
        ({ mtimeNs, ctimeNs, size, ino }) => `${mtimeNs}.${ctimeNs}.${size}.${ino}`,
        () => "absent",
      ),
    )
    return (await Promise.all(marks)).join(" ")
  }
}
