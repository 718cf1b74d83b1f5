import { EventEmitter } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "@sluice/ops/clock"
import { type Program, runProgram } from "@sluice/ops/lifecycle"
import { expect, it } from "vitest"
import { proxyProgram } from "../src/program.ts"
import { DataFolder } from "./proxy-under-test.ts"

const FREE_PORTS = { SLUICE_PROXY_SERVER_PORT: "0", SLUICE_ADMIN_PORT: "0" }

/** Runs the program as a process would, without one. */
function run(env: Record<string, string>): {
  readonly exit: Promise<number>
  readonly signals: EventEmitter
  readonly lines: string[]
  readonly errors: string[]
} {
  const signals = new EventEmitter()
  const lines: string[] = []
  const errors: string[] = []
  const build = (): Promise<Program> => proxyProgram({ env, sink: { write: (line) => lines.push(line) } })
  const exit = runProgram(build, {
    events: signals,
    clock: systemClock,
    writeError: (line) => errors.push(line),
    kill: expect.unreachable,
  })
  return { exit, signals, lines, errors }
}

async function started(lines: readonly string[]): Promise<void> {
  while (!lines.some((line) => line.includes('"started"'))) await new Promise(setImmediate)
}

it("runs from its start to SIGTERM", async () => {
  using folder = await DataFolder.create()
  const { exit, signals, lines, errors } = run({ ...FREE_PORTS, SLUICE_DATA: folder.path })
  await started(lines)
  signals.emit("SIGHUP")
  while (!lines.some((line) => line.includes('"reloaded"'))) await new Promise(setImmediate)
  signals.emit("SIGTERM")
  expect(await exit).toBe(0)
  expect(errors).toEqual([])
  expect(lines.every((line) => JSON.parse(line).service === "proxy")).toBe(true)
})

it("shares a configuration file with a relay", async () => {
  using folder = await DataFolder.create()
  const file = '[relay]\nhost = ["smp.example.com"]\n[store]\nkind = "memory"\n[proxy]\nclient_concurrency = 8\n'
  const path = join(folder.path, "shared.toml")
  writeFileSync(path, file)
  const { exit, signals, lines } = run({ ...FREE_PORTS, SLUICE_DATA: folder.path, SLUICE_CONFIG: path })
  await started(lines)
  signals.emit("SIGINT")
  expect(await exit).toBe(0)
})

it("does not start with settings or certificates that cannot be used, and says why in one line", async () => {
  using folder = await DataFolder.create()
  const wrong = run({ ...FREE_PORTS, SLUICE_DATA: folder.path, SLUICE_PROXY_HOST_MODE: "both" })
  expect(await wrong.exit).toBe(2)
  expect(wrong.errors).toEqual([expect.stringMatching(/^sluice: proxy\.host_mode .*"both".*one of public, onion$/)])

  const none = run({ ...FREE_PORTS, SLUICE_DATA: join(tmpdir(), "sluice-no-such-folder") })
  expect(await none.exit).toBe(2)
  expect(none.errors).toEqual([expect.stringMatching(/^sluice: proxy_server\.identity: .*sluice init/)])

  writeFileSync(folder.identity.leafCertificate, readFileSync(folder.identity.caCertificate))
  const mixedUp = run({ ...FREE_PORTS, SLUICE_DATA: folder.path })
  expect(await mixedUp.exit).toBe(2)
  expect(mixedUp.errors).toHaveLength(1)
})
