/**
 * Several processes on one shared store, beside one process on the same store, alternating.
 *
 *     node packages/queue-store/bench/processes.ts [processes=1,2,4] [flight=64] [count=20000] [queues=2000] [rounds=3]
 *
 * Each process sends to queues of its own and acknowledges; `flight` and `count` are for all of them together. One
 * process runs twice: with the store to itself, and with `shared`.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import { fill, newId, settings } from "./workload.ts"

const chosen = settings({
  processes: "1,2,4",
  flight: 64,
  count: 20_000,
  queues: 2_000,
  rounds: 3,
  folder: "",
  shared: 1,
  part: 0,
})

interface Result {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly commits: number
}

if (chosen.part === 1) await work()
else await compare()

async function compare(): Promise<void> {
  const shared = chosen.processes.split(",").map((n) => ({ processes: Number(n), shared: 1 }))
  const ways = [{ processes: 1, shared: 0 }, ...shared]
  for (let round = 1; round <= chosen.rounds; round++) for (const way of ways) await runTogether(way)
}

async function runTogether({ processes, shared }: { processes: number; shared: number }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "queue-store-processes-"))
  const own = {
    part: 1,
    folder,
    shared,
    flight: Math.ceil(chosen.flight / processes),
    count: Math.ceil(chosen.count / processes),
    queues: Math.ceil(chosen.queues / processes),
  }
  const words = Object.entries(own).map(([name, value]) => `${name}=${value}`)
  const children = Array.from({ length: processes }, () => fork(import.meta.filename, words))
  await Promise.all(children.map((child) => once(child, "message")))
  const results = Promise.all(children.map(async (child) => (await once(child, "message"))[0] as Result))
  for (const child of children) child.send("go")
  const all = await results
  await rm(folder, { recursive: true, force: true })
  const count = own.count * processes
  const sum = (of: (result: Result) => number): number => all.reduce((total, result) => total + of(result), 0)
  const rate = count / Math.max(...all.map(({ seconds }) => seconds))
  const cpu = (sum(({ cpuSeconds }) => cpuSeconds) / count) * 1e6
  console.log(
    `${processes} ${shared === 1 ? "shared" : "alone "}`,
    `${rate.toFixed(0)}/s`.padStart(9),
    `CPU ${cpu.toFixed(1)} us`.padStart(15),
    `${(count / sum(({ commits }) => commits)).toFixed(1)} messages a commit`.padStart(26),
  )
}

/** One process: makes its queues, waits for the others, sends and acknowledges. */
async function work(): Promise<void> {
  const store = await openLmdbStore({ folder: chosen.folder, shared: chosen.shared === 1 })
  const queues = await fill(store, chosen.queues)
  const body = new Uint8Array(16_048).fill(7)
  process.send?.("ready")
  await once(process, "message")
  const cpu = process.cpuUsage()
  const { commits } = store.figures
  const started = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < chosen.count) {
      const recipientId = queues[next++ % queues.length]?.recipientId ?? newId()
      const id = newId()
      const message = { kind: "message", id, timestamp: 1_700_000_000, notify: false, body } as const
      await store.enqueue(recipientId, message, { quota: 128 })
      await store.acknowledge(recipientId, id)
    }
  }
  await Promise.all(Array.from({ length: chosen.flight }, worker))
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  process.send?.({ seconds, cpuSeconds: (user + system) / 1e6, commits: store.figures.commits - commits })
  await store.close()
  process.disconnect?.()
}
