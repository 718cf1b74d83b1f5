import { ServerProcess } from "./server-process.ts"

/** A relay on LMDB in a process of its own, which starts again in the same folder and on the same port. */
export class RelayProcess extends ServerProcess {
  readonly #dataFolder: string
  #ready: Promise<void> = Promise.resolve()

  constructor(dataFolder: string) {
    super("kill-relay.ts")
    this.#dataFolder = dataFolder
  }

  /** Starts a process and does not wait for it: see {@link ready}. */
  spawn(): void {
    this.#ready = this.launch(this.#dataFolder)
    // Whoever waits for it hears of a failure; a process that is killed while it starts has nobody who waits.
    this.#ready.catch(() => undefined)
  }

  /** Resolves when the present process listens. */
  ready(): Promise<void> {
    return this.#ready
  }
}
