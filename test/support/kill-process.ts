import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import type { ServerAddress } from "@sluice/encoding/server-address"

/** What a started relay reports. */
interface Ready {
  readonly port: number
  readonly fingerprint: readonly number[]
}

/** A relay on LMDB in a process of its own, which starts again in the same folder and on the same port. */
export class RelayProcess implements AsyncDisposable {
  readonly #dataFolder: string
  #child: ChildProcess | undefined
  #port = 0
  #fingerprint: Uint8Array | undefined
  #ready: Promise<void> = Promise.resolve()
  #stderr = ""
  kills = 0

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder
  }

  /** Where it listens; known from the first start on. */
  get address(): ServerAddress {
    if (this.#fingerprint === undefined) throw new Error("the relay was never started")
    return { scheme: "smp", keyHash: this.#fingerprint, hosts: ["127.0.0.1"], port: String(this.#port) }
  }

  /** Everything that all its processes wrote to standard error: warnings, errors, crashes. */
  get stderr(): string {
    return this.#stderr
  }

  /** Starts a process and does not wait for it: see {@link ready}. */
  spawn(): void {
    const script = join(import.meta.dirname, "kill-relay.ts")
    const child = fork(script, [this.#dataFolder, String(this.#port)], {
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    })
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text
    })
    this.#child = child
    this.#ready = this.#started(child)
    // Whoever waits for it hears of a failure; a process that is killed while it starts has nobody who waits.
    this.#ready.catch(() => undefined)
  }

  /** Resolves when the present process listens. */
  ready(): Promise<void> {
    return this.#ready
  }

  /** SIGKILL: the process gets no chance to do anything. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) throw new Error(`the relay ended by itself: ${this.#stderr}`)
    this.#child = undefined
    const exited = once(child, "exit")
    child.kill("SIGKILL")
    await exited
    this.kills++
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child?.exitCode === null) await this.kill()
  }

  async #started(child: ChildProcess): Promise<void> {
    const { port, fingerprint } = await new Promise<Ready>((resolve, reject) => {
      child.once("message", (message) => resolve(message as Ready))
      child.once("exit", () => reject(new Error(`the relay did not start: ${this.#stderr}`)))
    })
    this.#port = port
    this.#fingerprint = Uint8Array.from(fingerprint)
  }
}
