import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import type { LineSink } from "@sluice/ops/log"
import { OperatorError } from "@sluice/ops/operator-error"
import { type FromMember, fromMember, type MemberSpec } from "./member-messages.ts"

const MAIN = join(import.meta.dirname, "member-main.ts")

/** What a member said when it began to serve. */
export type Ready = Extract<FromMember, { readonly type: "ready" }>
/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
}

/** One life of a member process. */
export class Member {
  readonly child: ChildProcess
  /** Rejects with `OperatorError` where the operator has to do something, and with a plain error if it died. */
  readonly ready: Promise<Ready>
  readonly ended: Promise<Ended>
  /** What it said last; zeros before. */
  status = { connections: 0, queues: 0, sent: 0 }
  #refused: string | undefined

  /** Starts the process. Its standard error goes to `sink` line by line, or where ours goes. */
  constructor(spec: MemberSpec, sink?: LineSink) {
    const stderr = sink === undefined ? "inherit" : "pipe"
    this.child = fork(MAIN, [JSON.stringify(spec)], { stdio: ["ignore", "ignore", stderr, "ipc"] })
    if (sink !== undefined) pipeLines(this.child, sink)
    const ready = Promise.withResolvers<Ready>()
    this.ready = ready.promise
    // Whoever waits for it hears of a failure; after a restart nobody does.
    this.ready.catch(() => undefined)
    this.child.on("message", (value) => {
      const message = fromMember(value)
      if (message?.type === "ready") ready.resolve(message)
      else if (message?.type === "status") this.status = message
      else if (message?.type === "refused") this.#refused = message.line
    })
    // A process that could not be started has no exit.
    const failed = new Promise<Ended>((resolve) => this.child.once("error", () => resolve({ code: 1, signal: null })))
    const exited = new Promise<Ended>((resolve) => {
      this.child.once("exit", (code, signal) => resolve({ code, signal }))
    })
    this.ended = Promise.race([exited, failed])
    void this.ended.then(({ code, signal }) => ready.reject(this.#failure(code, signal)))
  }

  /** Does nothing to a process that has ended. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** It runs the jobs of all members from now on. */
  lead(): void {
    if (this.child.connected) this.child.send({ type: "lead" }, () => undefined)
  }

  #failure(code: number | null, signal: string | null): Error {
    if (this.#refused !== undefined) return new OperatorError(this.#refused.replace(/^sluice: /, ""))
    return new Error(`a relay process ended before it served (${signal ?? `exit code ${code}`})`)
  }
}

function pipeLines({ stderr }: ChildProcess, sink: LineSink): void {
  let rest = ""
  stderr?.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) sink.write(`${line}\n`)
  })
}
