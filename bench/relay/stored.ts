// What queues at rest cost a relay on the embedded store: `npm run bench:stored`, some minutes, 3 GB of disk.
// Time from the start of the process to the first message, memory per stored queue, and throughput beside many messages.
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import type { PartReport } from "@sluice/load/report"
import { type LoadOptions, runLoad } from "@sluice/load/run"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { newId, newQueue } from "../../packages/queue-store/bench/workload.ts"
import { LaunchedRelay } from "./launch.ts"
import { conditions, median, row } from "./medians.ts"

const COMMON = { version: 20, timeoutMs: 60_000, auth: "x25519" } as const
const ROUNDS = Number(process.argv[2] ?? 3)
const BATCH = 500
const BODY = new Uint8Array(16_048).fill(7)
const folders: string[] = []

try {
  console.log(`${conditions()}\n\n| figure | median | rounds |\n|---|---|---|`)
  await atRest()
  await besideMessages()
} finally {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
}

/** Restarts and memory with none, 100,000 and 1,000,000 queues. */
async function atRest(): Promise<void> {
  let empty = Number.NaN
  for (const queues of [0, 100_000, 1_000_000]) {
    const folder = await filled(queues, false)
    const times: number[] = []
    const memory: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await using relay = await LaunchedRelay.start({ folder })
      const restart = (): Promise<void> => relay.restart()
      const [part] = await parts({ ...COMMON, mode: "restart", server: relay.address, count: 1, restart })
      times.push(part?.latencies["start→MSG"]?.max ?? Number.NaN)
      await delay(2000)
      memory.push(await residentMemory(relay.pid))
    }
    const stored = queues.toLocaleString("en")
    console.log(row(`start to first message, ${stored} queues stored, ms`, times))
    if (queues === 0) empty = median(memory)
    else {
      const each = memory.map((bytes) => (bytes - empty) / queues)
      console.log(row(`memory per stored queue, ${stored} queues, bytes`, each))
    }
  }
}

/** The same traffic beside 100 and beside 100,000 queues with a message each, in turn. */
async function besideMessages(): Promise<void> {
  const few = await filled(100, true)
  const many = await filled(100_000, true)
  const rates: number[] = []
  const costs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const [a, b] = [await messages(few), await messages(many)]
    rates.push(b.perSecond / a.perSecond)
    costs.push((b.server?.cpuPerThousand ?? Number.NaN) / (a.server?.cpuPerThousand ?? Number.NaN))
  }
  console.log(row("throughput beside 100,000 queues with messages, of that beside 100", rates))
  console.log(row("CPU per message beside 100,000 queues with messages, of that beside 100", costs))
}

async function messages(folder: string): Promise<PartReport> {
  await using relay = await LaunchedRelay.start({ folder })
  const [part] = await parts({
    ...COMMON,
    ...{ mode: "messages", server: relay.address, pid: relay.pid, pairs: 32, window: 1, warmUp: 200 },
    ...{ bodyLength: BODY.length, count: Number.POSITIVE_INFINITY, durationMs: 6000 },
  })
  if (part === undefined) throw new Error("nothing was measured")
  return part
}

async function parts(options: LoadOptions): Promise<readonly PartReport[]> {
  const { report } = await runLoad(options)
  for (const { name, errors } of report.parts) {
    const [failure] = Object.keys(errors)
    if (failure !== undefined) throw new Error(`${report.mode}, ${name}: ${failure}`)
  }
  return report.parts
}

/** A data folder whose store has this many queues. */
async function filled(queues: number, withMessage: boolean): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-stored-"))
  folders.push(folder)
  const store = await openLmdbStore({ folder: join(folder, "store") })
  const now = Math.floor(Date.now() / 1000)
  for (let made = 0; made < queues; made += BATCH) {
    const entries = Array.from({ length: Math.min(BATCH, queues - made) }, () => {
      const message = { kind: "message", id: newId(), timestamp: now, notify: false, body: BODY } as const
      return { queue: newQueue(), ...(withMessage && { messages: [message] }) }
    })
    await store.importQueues(entries)
  }
  await store.close()
  return folder
}

async function residentMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "latin1")
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024
}
