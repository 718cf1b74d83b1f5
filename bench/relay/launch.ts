import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ServerAddress } from "@sluice/encoding/server-address"

/** A relay that runs in a process and a temporary folder of its own. */
export class LaunchedRelay implements AsyncDisposable {
  readonly address: ServerAddress
  readonly pid: number
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(child: ChildProcess, pid: number, folder: string, address: ServerAddress) {
    this.#child = child
    this.pid = pid
    this.#folder = folder
    this.address = address
  }

  static async start(): Promise<LaunchedRelay> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"))
    const child = fork(join(import.meta.dirname, "relay-process.ts"), [folder])
    const [ready] = (await once(child, "message")) as [{ readonly port: number; readonly fingerprint: number[] }]
    const keyHash = Uint8Array.from(ready.fingerprint)
    const address: ServerAddress = { scheme: "smp", keyHash, hosts: ["127.0.0.1"], port: String(ready.port) }
    return new LaunchedRelay(child, child.pid ?? 0, folder, address)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit")
    this.#child.disconnect()
    await exited
    await rm(this.#folder, { recursive: true, force: true })
  }
}
