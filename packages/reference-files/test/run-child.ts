import { spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"

export interface ChildResult {
  readonly status: string
  readonly summary: object
  readonly seconds: number
  /** Most memory that the process had, MiB. */
  readonly memory: number
}

const PROGRAM = join(import.meta.dirname, "import-child.ts")

/** Imports in a child process to the end. */
export async function importInChild(source: string, target: string): Promise<ChildResult> {
  const lines = await run([source, target], () => false)
  return JSON.parse(lines.at(-1) ?? "")
}

/** Imports in a child process that is killed where it says so. */
export async function importAndKill(source: string, target: string, stage: string, part: number): Promise<void> {
  const lines = await run([source, target, stage, String(part)], (line) => line === "reached")
  if (lines.at(-1) !== "reached") throw new Error("the child was not killed where it should be")
}

async function run(args: readonly string[], kill: (line: string) => boolean): Promise<string[]> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "inherit"] })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", resolve)
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (kill(line)) child.kill("SIGKILL")
  }
  const code = await ended
  if (code !== 0 && code !== null) throw new Error(`the child ended with code ${code}`)
  return lines
}
