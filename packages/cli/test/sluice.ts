// Runs the real command as a process of its own, for tests.
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable } from "node:stream"

const MAIN = join(import.meta.dirname, "..", "src", "main.ts")
/** Longest life of a child, milliseconds: a bound for failures, nothing waits for it. */
const LONGEST = 150_000

/** What a command did. */
export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How a command is run, besides its arguments. */
export interface RunOptions {
  /** What runs in place of `sluice`, and before the arguments. */
  readonly program?: readonly [string, ...string[]]
  /** In a process group of its own, so that a signal can be sent to all of it. */
  readonly group?: boolean
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: string
}

/** Runs a command to its end. */
export function sluice(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return start(args, options).ended
}

/** A command that is running. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Result>
  /** Resolves when standard error has the pattern, at once if it came already; rejects if the command ends without it. */
  said(pattern: RegExp): Promise<string>
  /** The same for standard output. Both give all that came so far. */
  printed(pattern: RegExp): Promise<string>
}

/** Starts a command. The environment is the test's own without variables of Sluice. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const { env = {}, cwd, input, program: [program, ...first] = [process.execPath, MAIN] } = options
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("SLUICE_"))
  const child = spawn(program, [...first, ...args], {
    cwd,
    detached: options.group === true,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: LONGEST,
    killSignal: "SIGKILL",
  })
  const stdout = new Collected(child.stdout)
  const stderr = new Collected(child.stderr)
  child.stdin.on("error", () => undefined).end(input ?? "")
  const ended = new Promise<Result>((resolve, reject) => {
    child.on("error", reject).on("close", (code) => {
      stdout.end()
      stderr.end()
      resolve({ code, stdout: stdout.text, stderr: stderr.text })
    })
  })
  return { child, ended, said: (pattern) => stderr.has(pattern), printed: (pattern) => stdout.has(pattern) }
}

/** What a stream gave so far, and whoever waits for more of it. */
class Collected {
  text = ""
  #ended = false
  readonly #waiting = new Set<() => void>()

  constructor(stream: Readable) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      this.text += text
      this.#look()
    })
  }

  has(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(this.text)) resolve(this.text)
        else if (this.#ended) reject(new Error(`it ended without ${pattern}: ${this.text}`))
        else return
        this.#waiting.delete(look)
      }
      this.#waiting.add(look)
      look()
    })
  }

  end(): void {
    this.#ended = true
    this.#look()
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }
}

/** A new folder that is removed at the end of the block that uses it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "sluice-cli-"))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
