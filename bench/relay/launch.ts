import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ServerAddress } from "@sluice/encoding/server-address"
import flags from "../../tools/node-flags.json" with { type: "json" }

/** Where a relay runs, and how it differs from one with default settings. */
export interface LaunchOptions {
  /** Its data folder, which stays; by default a temporary one. */
  readonly folder?: string
  readonly port?: number
  readonly settings?: Readonly<Record<string, unknown>>
}

/** A relay that runs in a process of its own, in a temporary folder unless it is given one. */
export class LaunchedRelay implements AsyncDisposable {
  readonly address: ServerAddress
  readonly #folder: string
  readonly #options: LaunchOptions
  #child: ChildProcess

  private constructor(child: ChildProcess, folder: string, options: LaunchOptions, address: ServerAddress) {
    this.#child = child
    this.#folder = folder
    this.#options = options
    this.address = address
  }

  static async start(options: LaunchOptions = {}): Promise<LaunchedRelay> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "sluice-bench-")))
    const child = launch(folder, options.port ?? 0, options.settings)
    const [ready] = (await once(child, "message")) as [{ readonly port: number; readonly fingerprint: number[] }]
    const keyHash = Uint8Array.from(ready.fingerprint)
    const address: ServerAddress = { scheme: "smp", keyHash, hosts: ["127.0.0.1"], port: String(ready.port) }
    return new LaunchedRelay(child, folder, options, address)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Ends the process and starts another one, in the same folder and on the same port, without waiting until it listens. */
  async restart(): Promise<void> {
    await this.#end()
    this.#child = launch(this.#folder, Number(this.address.port), this.#options.settings)
    await once(this.#child, "spawn")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
    if (this.#options.folder === undefined) await rm(this.#folder, { recursive: true, force: true })
  }

  async #end(): Promise<void> {
    const exited = once(this.#child, "exit")
    this.#child.disconnect()
    await exited
  }
}

function launch(folder: string, port: number, settings: LaunchOptions["settings"] = {}): ChildProcess {
  const script = join(import.meta.dirname, "relay-process.ts")
  return fork(script, [folder, String(port), JSON.stringify(settings)], { execArgv: [...process.execArgv, ...flags] })
}
