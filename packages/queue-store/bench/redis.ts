/**
 * CPU time of sending and acknowledging in Redis, that of its server included, next to the embedded store in one run.
 *
 *     node packages/queue-store/bench/redis.ts [flight=64] [count=20000] [queues=5000] [rounds=3]
 *
 * Stores take turns; what is printed is the median of the rounds and their spread. Each message is looked up by its sender's
 * ID, stored, looked up by its recipient's ID and acknowledged, as a relay does. Bodies have 16,048 bytes. With Redis, all
 * records are in memory after the first round; "looked up" has room for one.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis } from "@sluice/redis/connection"
import { startRedis, type TestRedis } from "../../redis/test/start-redis.ts"
import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import type { QueueStore } from "../src/queue-store.ts"
import type { QueueRecord } from "../src/records.ts"
import { openRedisStore } from "../src/redis/redis-store.ts"
import { fill, newId, settings } from "./workload.ts"

const chosen = settings({ flight: 64, count: 20_000, queues: 5_000, rounds: 3 })
/** Ticks per second of the times in /proc. */
const TICKS = 100
const BODY = new Uint8Array(16_048).fill(7)

interface Rival extends AsyncDisposable {
  readonly name: string
  readonly store: QueueStore
  readonly queues: readonly QueueRecord[]
  /** Microseconds of processor time that its server used so far. */
  serverTime(): Promise<number>
}

/** Microseconds of processor time per message, and messages per second. */
interface Cost {
  readonly client: number
  readonly server: number
  readonly rate: number
}

const rivals: Rival[] = [await lmdb(), await redis("memory"), await redis("memory", 1), await redis("fsync")]
const costs = new Map<string, Cost[]>(rivals.map(({ name }) => [name, []]))
for (let round = 0; round <= chosen.rounds; round++) {
  for (const rival of rivals) {
    const cost = await measure(rival)
    // The first round warms up.
    if (round > 0) costs.get(rival.name)?.push(cost)
  }
}
console.log(`${chosen.flight} in flight, ${chosen.count} messages a round, ${cpus().length} x ${cpus()[0]?.model}`)
console.log("CPU microseconds per message: this process, server, both")
for (const [name, rounds] of costs) {
  const totals = rounds.map(({ client, server }) => client + server)
  const [client, server, rate] = (["client", "server", "rate"] as const).map((part) =>
    median(rounds.map((cost) => cost[part])),
  )
  console.log(
    name.padEnd(26),
    `${client?.toFixed(0)} + ${server?.toFixed(0)} = ${median(totals).toFixed(0)}`.padEnd(18),
    `(${Math.min(...totals).toFixed(0)} to ${Math.max(...totals).toFixed(0)})`.padEnd(14),
    `${rate?.toFixed(0)} messages/s`,
  )
}
for (const rival of rivals) await rival[Symbol.asyncDispose]()

async function measure({ store, queues, serverTime }: Rival): Promise<Cost> {
  const server = await serverTime()
  const cpu = process.cpuUsage()
  const started = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: chosen.flight }, async () => {
      while (next < chosen.count) await passOn(store, queues[next++ % queues.length] as QueueRecord)
    }),
  )
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return {
    client: (user + system) / chosen.count,
    server: ((await serverTime()) - server) / chosen.count,
    rate: chosen.count / seconds,
  }
}

async function passOn(store: QueueStore, { recipientId, senderId }: QueueRecord): Promise<void> {
  const id = newId()
  const { revision: ofSender } = (await store.recall?.("sender", senderId)) ?? {}
  if (store.recall === undefined) await store.queueBySender(senderId)
  const message = { kind: "message", id, timestamp: 1_700_000_000, notify: false, body: BODY } as const
  const sent = await store.enqueue(recipientId, message, {
    ...{ quota: 128, expireBefore: 1_600_000_000 },
    revision: ofSender,
  })
  const { revision: ofRecipient } = (await store.recall?.("recipient", recipientId)) ?? {}
  if (store.recall === undefined) await store.queueByRecipient(recipientId)
  const acknowledged = await store.acknowledge(recipientId, id, undefined, ofRecipient)
  if (sent.result !== "stored" || acknowledged.result !== "acknowledged") throw new Error("not passed on")
}

async function lmdb(): Promise<Rival> {
  const folder = await mkdtemp(join(tmpdir(), "queue-store-bench-"))
  const store = await openLmdbStore({ folder })
  return {
    name: "LMDB",
    store,
    queues: await fill(store, chosen.queues),
    serverTime: async () => 0,
    [Symbol.asyncDispose]: async () => {
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function redis(durability: "memory" | "fsync", rememberedQueues?: number): Promise<Rival> {
  const server = await startRedis({ appendonly: durability === "fsync" })
  const connection = openRedis(server.config({ durability }), { log: silentLog, clock: systemClock })
  await connection.ready(10_000)
  const store = openRedisStore({ connection, ...(rememberedQueues !== undefined && { rememberedQueues }) })
  return {
    name: `Redis ${durability}${rememberedQueues === undefined ? "" : ", looked up"}`,
    store,
    queues: await fill(store, chosen.queues),
    serverTime: () => processTime(server),
    [Symbol.asyncDispose]: async () => {
      await store.close()
      await connection.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** User and system time of all threads of the server. */
async function processTime({ pid }: TestRedis): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e6
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
