import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ServerAddress } from "@sluice/encoding/server-address"
import flags from "../../tools/node-flags.json" with { type: "json" }

/** A relay that runs in a process of its own, in a temporary folder unless it is given one. */
export class LaunchedRelay implements AsyncDisposable {
  readonly address: ServerAddress
  readonly #folder: string
  readonly #temporary: boolean
  #child: ChildProcess

  private constructor(child: ChildProcess, folder: string, temporary: boolean, address: ServerAddress) {
    this.#child = child
    this.#folder = folder
    this.#temporary = temporary
    this.address = address
  }

  static async start(given?: string): Promise<LaunchedRelay> {
    const folder = given ?? (await mkdtemp(join(tmpdir(), "sluice-bench-")))
    const child = launch(folder, "0")
    const [ready] = (await once(child, "message")) as [{ readonly port: number; readonly fingerprint: number[] }]
    const keyHash = Uint8Array.from(ready.fingerprint)
    const address: ServerAddress = { scheme: "smp", keyHash, hosts: ["127.0.0.1"], port: String(ready.port) }
    return new LaunchedRelay(child, folder, given === undefined, address)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Ends the process and starts another one, in the same folder and on the same port, without waiting until it listens. */
  async restart(): Promise<void> {
    await this.#end()
    this.#child = launch(this.#folder, this.address.port)
    await once(this.#child, "spawn")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
    if (this.#temporary) await rm(this.#folder, { recursive: true, force: true })
  }

  async #end(): Promise<void> {
    const exited = once(this.#child, "exit")
    this.#child.disconnect()
    await exited
  }
}

function launch(folder: string, port: string): ChildProcess {
  return fork(join(import.meta.dirname, "relay-process.ts"), [folder, port], {
    execArgv: [...process.execArgv, ...flags],
  })
}
