import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import type { Server } from "@sluice/encoding/server-address"

/** What a started server reports to its parent. */
interface Ready {
  readonly port: number
  readonly fingerprint: readonly number[]
}

/** A server in a process of its own that a test kills, and that starts again on the same port. */
export class ServerProcess implements AsyncDisposable {
  readonly #script: string
  #child: ChildProcess | undefined
  #port = 0
  #fingerprint: Uint8Array | undefined
  #stderr = ""
  kills = 0

  /** @param script file of this folder; it sends `{ port, fingerprint }` when it listens */
  constructor(script: string) {
    this.#script = join(import.meta.dirname, script)
  }

  /** Where it listens; known from the first start on. */
  get address(): Server {
    if (this.#fingerprint === undefined) throw new Error("the server was never started")
    return { hosts: ["127.0.0.1"], port: String(this.#port), keyHash: this.#fingerprint }
  }

  /** Everything that all its processes wrote to standard error: warnings, errors, crashes. */
  get stderr(): string {
    return this.#stderr
  }

  /** Starts a process, with the port after the first of these arguments; resolves when it listens. */
  async launch(dataFolder: string, ...others: readonly string[]): Promise<void> {
    const child = fork(this.#script, [dataFolder, String(this.#port), ...others], {
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    })
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text
    })
    this.#child = child
    const { port, fingerprint } = await new Promise<Ready>((resolve, reject) => {
      child.once("message", (message) => resolve(message as Ready))
      child.once("exit", () => reject(new Error(`the server did not start: ${this.#stderr}`)))
    })
    this.#port = port
    this.#fingerprint = Uint8Array.from(fingerprint)
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
    if (child === undefined || child.exitCode !== null) throw new Error(`the server ended by itself: ${this.#stderr}`)
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
