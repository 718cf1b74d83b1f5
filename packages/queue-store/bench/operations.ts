/**
 * CPU time and rate of enqueue and acknowledge at some changes in flight.
 *
 *     node packages/queue-store/bench/operations.ts [store=lmdb|memory] [flight=64] [count=20000] [queues=20000]
 *         [stored=0] [backlog=0] [group=1024] [page=16384] [sync=1] [shared=0] [folder=<new folder>]
 *
 * `stored`: queues that are there beside the used ones; `backlog`: messages in every used queue at the start.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import { createMemoryStore } from "../src/memory/memory-store.ts"
import type { QueueStore } from "../src/queue-store.ts"
import { fill, newId, newQueue, settings } from "./workload.ts"

const chosen = settings({
  store: "lmdb",
  flight: 64,
  count: 20_000,
  queues: 20_000,
  stored: 0,
  backlog: 0,
  group: 1024,
  page: 16_384,
  sync: 1,
  shared: 0,
  folder: "",
})
const folder = chosen.folder === "" ? await mkdtemp(join(tmpdir(), "queue-store-bench-")) : chosen.folder
const store: QueueStore =
  chosen.store === "memory"
    ? createMemoryStore()
    : await openLmdbStore({
        folder,
        groupLimit: chosen.group,
        pageSize: chosen.page,
        sync: chosen.sync === 1,
        shared: chosen.shared === 1,
      })

const body = new Uint8Array(16_048).fill(7)
const ids = Array.from({ length: chosen.count }, newId)
const queues = await fill(store, chosen.queues)
await fill(store, chosen.stored)
for (let round = 0; round < chosen.backlog; round++) await inFlight("", queues.length, (i) => enqueue(i).then(ignore))

for (let round = 1; round <= 2; round++) {
  await inFlight(`enqueue ${round}`, chosen.count, (i) => enqueue(i))
  await inFlight(`acknowledge ${round}`, chosen.count, (i) => acknowledge(i))
}
await inFlight("enqueue+acknowledge", chosen.count, async (i) => {
  await enqueue(i)
  await acknowledge(i)
})
await inFlight("create", chosen.count, () => store.createQueue(newQueue()))
await inFlight("look up", chosen.count, (i) => store.queueBySender(queueAt(i).senderId))
await inFlight("subscribe", chosen.count, (i) => store.subscribe([{ recipientId: queueAt(i).recipientId }], "n"))
await store.close()
if (chosen.folder === "") await rm(folder, { recursive: true, force: true })

function queueAt(i: number): (typeof queues)[number] {
  return queues[i % queues.length] as (typeof queues)[number]
}

function enqueue(i: number): Promise<unknown> {
  const message = { kind: "message", id: ids[i] ?? newId(), timestamp: 1_700_000_000, notify: false, body } as const
  return store.enqueue(queueAt(i).recipientId, message, { quota: 128, expireBefore: 1_600_000_000 })
}

async function acknowledge(i: number): Promise<void> {
  const head = chosen.backlog === 0 ? ids[i] : (await store.queueInfo(queueAt(i).recipientId)).head?.id
  const result = await store.acknowledge(queueAt(i).recipientId, head ?? newId())
  if (result.result !== "acknowledged" || result.removed === undefined) throw new Error("not acknowledged")
}

/** Runs an operation `count` times with `flight` of them at once and prints what it took. */
async function inFlight(name: string, count: number, run: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const cpu = process.cpuUsage()
  const loop = performance.eventLoopUtilization()
  const started = performance.now()
  const worker = async () => {
    while (next < count) await run(next++)
  }
  await Promise.all(Array.from({ length: chosen.flight }, worker))
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const { active } = performance.eventLoopUtilization(loop)
  if (name === "") return
  const each = (microseconds: number) => `${(microseconds / count).toFixed(1)} us`
  console.log(
    name.padEnd(20),
    `${Math.round(count / seconds)}/s`.padStart(9),
    `CPU ${each(user + system)}`.padStart(15),
    `event loop ${each(active * 1000)}`.padStart(22),
  )
}

function ignore(): undefined {
  return undefined
}
