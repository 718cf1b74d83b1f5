import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterEach, expect, it } from "vitest"

// Real processes and signals: everything else about the lifecycle is in lifecycle.test.ts.

const program = join(import.meta.dirname, "..", "test", "sample-program.ts")
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
})

/** Runs the sample program; `onLine` is called with the message of every log line. */
async function run(task: string, onLine: (message: string, child: ChildProcess) => void): Promise<[number, string[]]> {
  const child = spawn(process.execPath, [program, task], { stdio: ["ignore", "inherit", "pipe"] })
  children.push(child)
  const lines: string[] = []
  createInterface({ input: child.stderr }).on("line", (line) => {
    const message = line.startsWith("{") ? String((JSON.parse(line) as { message: unknown }).message) : line
    lines.push(message)
    onLine(message, child)
  })
  const [code] = (await once(child, "close")) as [number]
  return [code, lines]
}

const signalAt =
  (...steps: readonly (readonly [string, NodeJS.Signals])[]) =>
  (message: string, child: ChildProcess): void => {
    for (const [line, signal] of steps) if (line === message) child.kill(signal)
  }

it("a signal ends the process cleanly", async () => {
  const steps = signalAt(["started", "SIGHUP"], ["nothing to reload", "SIGTERM"])
  expect(await run("serve", steps)).toEqual([0, ["started", "nothing to reload", "stopping", "stopped"]])
})

it("a second one ends it at once", async () => {
  const [code] = await run("hang", signalAt(["started", "SIGTERM"], ["stopping", "SIGINT"]))
  expect(code).toBe(130)
})

it("a defect ends it with 1", async () => {
  expect(await run("crash", () => undefined)).toEqual([1, ["started", "unhandled rejection"]])
})

it("an operator's mistake ends it with 2 and one line", async () => {
  expect(await run("refuse", () => undefined)).toEqual([2, ["sluice: nothing works"]])
})
