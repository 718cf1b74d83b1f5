import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import type { Server } from "@sluice/encoding/server-address"
import type { PushService, Settings } from "./push-service.ts"

interface Report {
  readonly ready?: { readonly port: number; readonly fingerprint: readonly number[] }
}

/** A notification server in a process of its own, which starts again in the same folder and on the same port. */
export class NotificationsProcess implements AsyncDisposable {
  readonly #dataFolder: string
  readonly #settings: Settings
  readonly #push: PushService
  #child: ChildProcess | undefined
  #port = 0
  #fingerprint: Uint8Array | undefined
  #stderr = ""
  kills = 0

  /** @param settings on top of those of the script and of the push service */
  constructor(dataFolder: string, push: PushService, settings: Settings = {}) {
    this.#dataFolder = dataFolder
    this.#settings = settings
    this.#push = push
  }

  get address(): Server {
    if (this.#fingerprint === undefined) throw new Error("the notification server was never started")
    return { hosts: ["127.0.0.1"], port: String(this.#port), keyHash: this.#fingerprint }
  }

  /** What all its processes wrote to standard error. */
  get stderr(): string {
    return this.#stderr
  }

  /** Starts a process and waits until it listens. */
  async start(): Promise<void> {
    await mkdir(this.#dataFolder, { recursive: true })
    const settings = { ...(await this.#push.settingsIn(this.#dataFolder)), ...this.#settings }
    const script = join(import.meta.dirname, "kill-notifications.ts")
    const child = fork(script, [this.#dataFolder, String(this.#port), JSON.stringify(settings)], {
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    })
    this.#child = child
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text
    })
    await new Promise<void>((resolve, reject) => {
      child.once("exit", () => reject(new Error(`the notification server ended: ${this.#stderr}`)))
      child.on("message", (message) => {
        const { ready } = message as Report
        if (ready === undefined) return
        this.#port = ready.port
        this.#fingerprint = Uint8Array.from(ready.fingerprint)
        resolve()
      })
    })
  }

  /** It stands still and keeps its connections, as on a machine that is stopped for a while. */
  pause(): void {
    this.#child?.kill("SIGSTOP")
  }

  resume(): void {
    this.#child?.kill("SIGCONT")
  }

  /** SIGKILL: the process gets no chance to do anything. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) throw new Error(`it ended by itself: ${this.#stderr}`)
    this.#child = undefined
    const exited = once(child, "exit")
    child.kill("SIGKILL")
    await exited
    this.kills++
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child?.exitCode === null) await this.kill()
  }
}
