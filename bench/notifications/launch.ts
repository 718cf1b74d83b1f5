import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import type { Server } from "@sluice/encoding/server-address"
import flags from "../../tools/node-flags.json" with { type: "json" }

/** Where Apple's service is for a server that is measured. */
export interface ApnsOfBench {
  readonly origin: string
  readonly ca: string
  readonly key: string
  readonly keyId: string
  readonly teamId: string
  readonly topic: string
}

/** What a server reports when all its relays are subscribed. */
export interface Up {
  /** Since the process began to work. */
  readonly ms: number
  /** Subscriptions made one by one; the others are the service's. */
  readonly active: number
}

interface Report {
  readonly ready?: { readonly port: number; readonly fingerprint: readonly number[] }
  readonly up?: Up
}

/** A notification server in a process of its own. */
export class LaunchedNotifications implements AsyncDisposable {
  readonly address: Server
  /** Resolves when all relays are subscribed. */
  readonly up: Promise<Up>
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, address: Server, up: Promise<Up>) {
    this.#child = child
    this.address = address
    this.up = up
  }

  static async start(
    folder: string,
    settings: Readonly<Record<string, unknown>>,
    apns: ApnsOfBench,
  ): Promise<LaunchedNotifications> {
    const script = join(import.meta.dirname, "ntf-process.ts")
    const args = [folder, JSON.stringify(settings), JSON.stringify(apns)]
    const child = fork(script, args, { execArgv: [...process.execArgv, ...flags] })
    const up = Promise.withResolvers<Up>()
    const ready = Promise.withResolvers<NonNullable<Report["ready"]>>()
    child.on("message", (message) => {
      const report = message as Report
      if (report.ready !== undefined) ready.resolve(report.ready)
      if (report.up !== undefined) up.resolve(report.up)
    })
    child.once("exit", () => ready.reject(new Error("the notification server ended")))
    const { port, fingerprint } = await ready.promise
    const address = { hosts: ["127.0.0.1"], port: String(port), keyHash: Uint8Array.from(fingerprint) }
    return new LaunchedNotifications(child, address, up.promise)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, "exit")
    this.#child.kill("SIGKILL")
    await exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, "exit")
    this.#child.disconnect()
    await exited
  }
}
