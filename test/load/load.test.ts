import type { ServerAddress } from "@sluice/encoding/server-address"
import type { MessagesOptions } from "@sluice/load/modes/messages"
import type { Mode, PartReport } from "@sluice/load/report"
import { type LoadOptions, runLoad } from "@sluice/load/run"
import { reportTable } from "@sluice/load/table"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { TestRelay } from "../support/relay.ts"

let relay: TestRelay
let server: ServerAddress

beforeAll(async () => {
  const settings = { "relay.message_quota": 128, "proxy.allow_private": true }
  relay = await TestRelay.start({ settings })
  server = addressOf(relay)
})

afterAll(() => relay[Symbol.asyncDispose]())

function addressOf({ port, relay: { fingerprint } }: TestRelay): ServerAddress {
  return { scheme: "smp", keyHash: fingerprint, hosts: ["127.0.0.1"], port: String(port) }
}

const common = { version: 20, timeoutMs: 10_000, auth: "x25519" } as const
const messages: Omit<MessagesOptions, "server"> = {
  ...common,
  mode: "messages",
  pairs: 3,
  window: 1,
  bodyLength: 16_048,
  count: 30,
  durationMs: 30_000,
  warmUp: 2,
}

/** Runs it and checks what holds for every report. */
async function run(options: LoadOptions): Promise<readonly PartReport[]> {
  const { report, parts } = await runLoad(options)
  expect(report).toMatchObject({ mode: options.mode, server: `127.0.0.1:${relay.port}`, version: options.version })
  expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  expect(parts.map((part) => part.report)).toEqual(report.parts)
  expect(reportTable(report)).toContain(report.parts[0]?.name)
  for (const part of report.parts) {
    expect(part.errors).toEqual({})
    expect(part.seconds).toBeGreaterThan(0)
    expect(part.perSecond).toBeCloseTo(part.count / part.seconds)
    expect(part.client.cpuSeconds).toBeGreaterThan(0)
    for (const { count, p50, p90, p99, max } of Object.values(part.latencies)) {
      expect(count).toBeGreaterThan(0)
      const rising = [0, p50, p90, p99, max]
      expect(rising).toEqual(rising.toSorted((a, b) => a - b))
    }
  }
  return report.parts
}

const named = (parts: readonly PartReport[]): unknown => parts.map(({ name, unit, count }) => [name, unit, count])

describe("messages", () => {
  it.each([
    ["x25519", 20],
    ["x25519", 9],
    ["ed25519", 20],
    ["ed25519", 11],
  ] as const)("sends and acknowledges with %s at version %i", async (auth, version) => {
    const parts = await run({ ...messages, server, auth, version })
    expect(named(parts)).toEqual([["messages", "message", 30]])
    expect(parts[0]?.latencies).toMatchObject({ "SEND→OK": { count: 30 }, "SEND→MSG": { count: 30 } })
  })

  it("keeps several messages of a pair on their way", async () => {
    expect(named(await run({ ...messages, server, window: 4 }))).toEqual([["messages", "message", 30]])
  })

  it("keeps to a rate, and to a time", async () => {
    const [part] = await run({ ...messages, server, rate: 100, count: 1000, durationMs: 300 })
    expect(part?.count).toBeGreaterThanOrEqual(28)
    expect(part?.count).toBeLessThanOrEqual(31)
  })

  it("sends through a proxy", async () => {
    await using proxy = await TestRelay.start({ settings: { "proxy.allow_private": true } })
    const parts = await run({ ...messages, server, proxy: addressOf(proxy), count: 9, warmUp: 1 })
    expect(named(parts)).toEqual([["messages", "message", 9]])
  })

  it("counts what the server refuses, and goes on", async () => {
    await using small = await TestRelay.start({ settings: { "relay.message_quota": 1 } })
    const { report } = await runLoad({ ...messages, server: addressOf(small), window: 8, warmUp: 0 })
    const [part] = report.parts
    expect(part?.errors).toHaveProperty("SEND answered by the server with ERR QUOTA")
    expect(part?.count).toBeGreaterThan(0)
  })

  it("counts a lost connection, and ends", async () => {
    const doomed = await TestRelay.start()
    const timer = setTimeout(() => void doomed.stop(), 200)
    const { report } = await runLoad({ ...messages, server: addressOf(doomed), count: 1_000_000 })
    clearTimeout(timer)
    expect(report.parts[0]?.errors).toHaveProperty("connection: LOST")
    await doomed[Symbol.asyncDispose]()
  })
})

it("connects one after the other, then several at a time", async () => {
  const parts = await run({ ...common, mode: "connect", server, count: 8, parallel: 4 })
  expect(named(parts)).toEqual([
    ["sequential", "connection", 8],
    ["parallel", "connection", 8],
  ])
  for (const { latencies } of parts) expect(latencies).toMatchObject({ connect: { count: 8 } })
})

it("creates queues, and deletes them unless they are to be kept", async () => {
  const options = { ...common, mode: "queues", server, count: 50, perBlock: 20, connections: 2 } as const
  expect(named(await run({ ...options, keep: false }))).toEqual([["create", "queue", 50]])
  const [part] = await run({ ...options, keep: true })
  expect(part?.latencies).toMatchObject({ "block of NEW→IDS": { count: 3 } })
})

it("subscribes on new connections, all at once", async () => {
  const parts = await run({ ...common, mode: "subscribe", server, subscriptions: 300, connections: 3 })
  expect(named(parts)).toEqual([["storm", "subscription", 300]])
  expect(parts[0]?.latencies).toMatchObject({ connect: { count: 3 }, "SUB→SOK": { count: 300 } })
})

describe("with the server's process", () => {
  const idle = { ...common, mode: "idle", connections: 6, subscriptions: 2, settleMs: 10 } as const

  it.runIf(process.platform === "linux")("reports its CPU time and memory", async () => {
    const parts = await run({ ...idle, server, pid: process.pid })
    expect(named(parts)).toEqual([
      ["connect", "connection", 6],
      ["subscribe", "subscription", 12],
    ])
    for (const part of parts) {
      expect(part.server?.rssBefore).toBeGreaterThan(1_000_000)
      expect(part.server?.rssPeak).toBeGreaterThanOrEqual(part.server?.rssAfter ?? Number.NaN)
    }
  })

  it("refuses more queues than a run can make", async () => {
    const many = { ...idle, connections: 20_000, subscriptions: 1000, server, pid: process.pid }
    await expect(runLoad(many)).rejects.toThrow(/^20000000 queues are too many/)
  })

  it("says in one line that it is missing, or not there", async () => {
    await expect(runLoad({ ...idle, server })).rejects.toThrow("--pid")
    await expect(runLoad({ ...idle, server, pid: 2 ** 30 })).rejects.toThrow(/^--pid: .*1073741824: .*$/)
  })
})

it.each([20, 11])("restarts the server and waits for the message that it kept, at version %i", async (version) => {
  const restart = async (): Promise<void> => {
    const { port } = relay
    await relay.stop()
    await relay.start({ "relay.port": port })
  }
  const parts = await run({ ...common, version, mode: "restart", server, count: 3, restart })
  expect(named(parts)).toEqual([["restart", "restart", 1]])
  expect(parts[0]?.latencies).toMatchObject({ "start→connected": { count: 1 }, "start→MSG": { count: 1 } })
})

const modes: Record<Mode, true> = {
  messages: true,
  connect: true,
  queues: true,
  subscribe: true,
  idle: true,
  restart: true,
}

it.each(Object.keys(modes) as Mode[])("%s rejects when there is no server", async (mode) => {
  const nowhere = { ...addressOf(relay), port: "1" }
  const options = { ...messages, count: 1, parallel: 1, perBlock: 1, connections: 1, subscriptions: 1, settleMs: 1 }
  const { pid } = process
  await expect(runLoad({ ...options, keep: false, mode, server: nowhere, pid } as LoadOptions)).rejects.toMatchObject({
    name: "TransportError",
  })
})
