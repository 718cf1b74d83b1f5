import { mkdir } from "node:fs/promises"
import type { PushService, Settings } from "./push-service.ts"
import { ServerProcess } from "./server-process.ts"

/** A notification server in a process of its own, which starts again in the same folder and on the same port. */
export class NotificationsProcess extends ServerProcess {
  readonly #dataFolder: string
  readonly #settings: Settings
  readonly #push: PushService

  /** @param settings on top of those of the script and of the push service */
  constructor(dataFolder: string, push: PushService, settings: Settings = {}) {
    super("kill-notifications.ts")
    this.#dataFolder = dataFolder
    this.#settings = settings
    this.#push = push
  }

  /** Starts a process and waits until it listens. */
  async start(): Promise<void> {
    await mkdir(this.#dataFolder, { recursive: true })
    const settings = { ...(await this.#push.settingsIn(this.#dataFolder)), ...this.#settings }
    await this.launch(this.#dataFolder, JSON.stringify(settings))
  }
}
