import { readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { type RunningProgram, runInTest } from "../../../packages/ops/test/running-program.ts"
import { proxyProgram } from "../src/program.ts"
import { DataFolder } from "./proxy-under-test.ts"

const FREE_PORTS = { SLUICE_PROXY_SERVER_PORT: "0", SLUICE_ADMIN_PORT: "0" }

const run = (env: Record<string, string>): RunningProgram => runInTest(proxyProgram, { ...FREE_PORTS, ...env })

it("runs from its start to SIGTERM", async () => {
  using folder = await DataFolder.create()
  const { exit, signals, lines, errors, said } = run({ SLUICE_DATA: folder.path })
  await said("started")
  signals.emit("SIGHUP")
  await said("reloaded")
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
  const { exit, signals, said } = run({ SLUICE_DATA: folder.path, SLUICE_CONFIG: path })
  await said("started")
  signals.emit("SIGINT")
  expect(await exit).toBe(0)
})

it("does not start with settings or certificates that cannot be used, and says why in one line", async () => {
  using folder = await DataFolder.create()
  const wrong = run({ SLUICE_DATA: folder.path, SLUICE_PROXY_HOST_MODE: "both" })
  expect(await wrong.exit).toBe(2)
  expect(wrong.errors).toEqual([expect.stringMatching(/^sluice: proxy\.host_mode .*"both".*one of public, onion$/)])

  const none = run({ SLUICE_DATA: join(tmpdir(), "sluice-no-such-folder") })
  expect(await none.exit).toBe(2)
  expect(none.errors).toEqual([expect.stringMatching(/^sluice: proxy_server\.identity: .*sluice init/)])

  writeFileSync(folder.identity.leafCertificate, readFileSync(folder.identity.caCertificate))
  const mixedUp = run({ SLUICE_DATA: folder.path })
  expect(await mixedUp.exit).toBe(2)
  expect(mixedUp.errors).toHaveLength(1)
})
