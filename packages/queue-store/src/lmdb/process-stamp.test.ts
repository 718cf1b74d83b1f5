import { spawn } from "node:child_process"
import { once } from "node:events"
import { expect, it } from "vitest"
import { isAlive, thisProcess } from "./process-stamp.ts"

it("knows this process, and tells it from another with its number", () => {
  const self = thisProcess()
  expect(self.pid).toBe(process.pid)
  expect(isAlive(self)).toBe(true)
  expect(isAlive({ ...self, started: 0 })).toBe(true)
  if (self.started > 0) expect(isAlive({ ...self, started: self.started + 1 })).toBe(false)
})

it("takes a paused process for alive, and one that ended for dead", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"])
  await once(child, "spawn")
  const stamp = { pid: child.pid ?? 0, started: 0 }
  child.kill("SIGSTOP")
  expect(isAlive(stamp)).toBe(true)
  child.kill("SIGKILL")
  await once(child, "exit")
  expect(isAlive(stamp)).toBe(false)
})
