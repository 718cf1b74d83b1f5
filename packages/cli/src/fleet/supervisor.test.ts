import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { ManualClock } from "@sluice/ops/manual-clock"
import { Metrics } from "@sluice/ops/metrics"
import { recordingLog } from "@sluice/ops/recording-log"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { afterEach, beforeEach, expect, it } from "vitest"
import { Supervisor } from "./supervisor.ts"

let folder: string
let supervisor: Supervisor

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-supervisor-"))
  const now = Math.floor(Date.now() / 1000)
  await createIdentity(nativeCrypto, identityFiles(join(folder, "identity")), { host: "localhost", now })
})
afterEach(async () => {
  await supervisor.stop(AbortSignal.abort())
  await rm(folder, { recursive: true, force: true })
})

/** A supervisor of relays in memory; while `broken`, new ones do not start. */
function fixture(count: number) {
  const [clock, log, metrics] = [new ManualClock(), recordingLog(), new Metrics()]
  const state = { broken: false }
  supervisor = new Supervisor(
    {
      count,
      sink: { write: () => undefined },
      spec: (index, { port }) => ({
        index,
        dataFolder: folder,
        overrides: {
          "store.kind": state.broken ? "none" : "memory",
          "relay.bind": ["127.0.0.1"],
          "relay.port": port ?? 0,
          "relay.share_port": true,
          "admin.port": 0,
        },
      }),
    },
    { clock, log, register: metrics.register },
  )
  return { clock, log, state, metrics }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
}

it("waits longer with each death in a row before it starts a process again", async () => {
  const { clock, log, state } = fixture(1)
  await supervisor.start(new AbortController().signal)
  state.broken = true
  process.kill(supervisor.pids[0] ?? 0, "SIGKILL")
  const waits = () => log.entries.map(({ fields }) => fields["retryInMs"])
  for (const expected of [[100], [100, 200], [100, 200, 400]]) {
    await until(() => waits().length === expected.length)
    expect(waits()).toEqual(expected)
    clock.advance(expected.at(-1) ?? 0)
  }
  await until(() => waits().length === 4)
  state.broken = false
  clock.advance(800)
  await until(() => supervisor.serving.length === 1)
  // One that lived for long dies for a new reason.
  clock.advance(60_000)
  process.kill(supervisor.pids[0] ?? 0, "SIGKILL")
  await until(() => waits().length === 5)
  expect(waits().at(-1)).toBe(100)
})

it("is not started when one of the processes does not start, and leaves none behind", async () => {
  const { state } = fixture(2)
  state.broken = true
  await expect(supervisor.start(new AbortController().signal)).rejects.toThrow(/store\.kind .*"none" is not allowed/)
  expect(supervisor.pids).toEqual([undefined, undefined])
})

it("stops in the middle of a restart, and starts nothing after it", async () => {
  const { metrics } = fixture(2)
  await supervisor.start(new AbortController().signal)
  const restarting = supervisor.restartAll()
  expect(supervisor.restartAll()).toBe(restarting)
  await supervisor.stop(AbortSignal.timeout(10_000))
  await restarting
  expect(supervisor.serving).toEqual([])
  expect(await metrics.render()).toContain("sluice_worker_restarts_total 0")
})
