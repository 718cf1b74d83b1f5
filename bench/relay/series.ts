import type { MessagesOptions } from "@sluice/load/modes/messages"
import type { PartReport } from "@sluice/load/report"
import { type LoadOptions, runLoad } from "@sluice/load/run"
import { LaunchedRelay } from "./launch.ts"

/** One figure: what it is, with its unit, and its value. */
export type Figure = readonly [name: string, value: number]

const COMMON = { version: 20, timeoutMs: 30_000, auth: "x25519" } as const
const MESSAGES: Omit<MessagesOptions, "server"> = {
  ...COMMON,
  mode: "messages",
  pairs: 32,
  window: 1,
  warmUp: 50,
  bodyLength: 16_048,
  count: Number.POSITIVE_INFINITY,
  durationMs: 5000,
}
/** What was never run is slow at first; servers run for weeks. */
const WARM_UP_MS = 5000
const VARIANTS = [
  { auth: "x25519", version: 20 },
  { auth: "x25519", version: 11 },
  { auth: "x25519", version: 9 },
  { auth: "ed25519", version: 20 },
] as const

/** One round: all figures, each relay fresh. */
export async function* series(): AsyncGenerator<Figure> {
  yield* memory()
  yield* traffic()
  yield* work()
  yield* forwarding()
}

/** On a relay that has done nothing else: memory that was used once stays with a process. */
async function* memory(): AsyncGenerator<Figure> {
  await using relay = await LaunchedRelay.start()
  const idle = { ...COMMON, mode: "idle", connections: 4000, subscriptions: 1, settleMs: 2000 } as const
  const [connected, subscribed] = await parts({ ...idle, server: relay.address, pid: relay.pid })
  const handshake = (connected?.server?.rssPerUnit ?? Number.NaN) / 1024
  const subscription = (subscribed?.server?.rssPerUnit ?? Number.NaN) / 1024
  yield ["idle connection, KiB", handshake]
  yield ["idle connection with one subscription, KiB", handshake + subscription]
}

async function* traffic(): AsyncGenerator<Figure> {
  await using relay = await LaunchedRelay.start()
  const target = { server: relay.address, pid: relay.pid }
  let most = 0
  await parts({ ...MESSAGES, ...target, durationMs: WARM_UP_MS })
  for (const variant of VARIANTS) {
    const [part] = await parts({ ...MESSAGES, ...variant, ...target })
    const name = `messages, ${variant.auth}, version ${variant.version}`
    most ||= part?.perSecond ?? 0
    yield [`${name}: server CPU s per 1,000`, cpu(part)]
    yield [`${name}: load generator CPU s per 1,000`, part?.client.cpuPerThousand ?? Number.NaN]
    yield [`${name}: per second`, part?.perSecond ?? Number.NaN]
  }
  const [half] = await parts({ ...MESSAGES, ...target, rate: Math.round(most / 2), window: 32 })
  for (const latency of ["SEND→OK", "SEND→MSG"]) {
    const { p50, p90, p99 } = half?.latencies[latency] ?? { p50: Number.NaN, p90: Number.NaN, p99: Number.NaN }
    yield [`half of that rate, ${latency} p50, ms`, p50]
    yield [`half of that rate, ${latency} p90, ms`, p90]
    yield [`half of that rate, ${latency} p99, ms`, p99]
  }
}

async function* work(): AsyncGenerator<Figure> {
  await using relay = await LaunchedRelay.start()
  const target = { ...COMMON, server: relay.address, pid: relay.pid }
  await parts({ ...target, mode: "connect", count: 500, parallel: 16 })
  const [sequential, parallel] = await parts({ ...target, mode: "connect", count: 500, parallel: 16 })
  yield ["connect: server CPU ms each, one by one", cpu(sequential)]
  yield ["connect: p50, one by one, ms", sequential?.latencies["connect"]?.p50 ?? Number.NaN]
  yield ["connect: server CPU ms each, 16 at a time", cpu(parallel)]
  yield ["connect: per second, 16 at a time", parallel?.perSecond ?? Number.NaN]
  const queues = { mode: "queues", count: 10_000, perBlock: 20, connections: 4, keep: false } as const
  await parts({ ...target, ...queues })
  const [create] = await parts({ ...target, ...queues })
  yield ["queues: server CPU ms each, 20 a block", cpu(create)]
  const [storm] = await parts({ ...target, mode: "subscribe", subscriptions: 10_000, connections: 100 })
  yield ["reconnect storm, 10,000 on 100 connections: seconds", storm?.seconds ?? Number.NaN]
  yield ["reconnect storm: server CPU s", storm?.server?.cpuSeconds ?? Number.NaN]
}

async function* forwarding(): AsyncGenerator<Figure> {
  await using relay = await LaunchedRelay.start()
  await using proxy = await LaunchedRelay.start()
  await parts({ ...MESSAGES, server: relay.address, proxy: proxy.address, durationMs: WARM_UP_MS })
  const [part] = await parts({ ...MESSAGES, server: relay.address, proxy: proxy.address, pid: proxy.pid })
  yield ["through a proxy: proxy CPU s per 1,000", cpu(part)]
  yield ["through a proxy: per second", part?.perSecond ?? Number.NaN]
}

/** CPU seconds for 1,000 units, which is milliseconds for each. */
function cpu(part: PartReport | undefined): number {
  return part?.server?.cpuPerThousand ?? Number.NaN
}

/** Runs it; a run in which anything failed gives no figures. */
async function parts(options: LoadOptions): Promise<readonly PartReport[]> {
  const { report } = await runLoad(options)
  for (const { name, errors } of report.parts) {
    const [failure] = Object.keys(errors)
    if (failure !== undefined) throw new Error(`${report.mode}, ${name}: ${failure}`)
  }
  return report.parts
}
