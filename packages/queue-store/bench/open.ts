/**
 * How long it takes to open a store with many queues, and what they cost on the disk and in memory.
 *
 *     node packages/queue-store/bench/open.ts [queues=1000000] [batch=2000] [folder=<new folder>]
 *
 * One process fills the store, a fresh one opens it. RssAnon is what the process owns; RssFile are pages of the file that it
 * touched, which the system takes back when it needs them.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import { fill, settings } from "./workload.ts"

const chosen = settings({ queues: 1_000_000, batch: 2_000, folder: "", phase: "" })
const MB = 1_000_000

if (chosen.phase === "fill") await fillStore()
else if (chosen.phase === "open") await openStore()
else await bothPhases()

async function bothPhases(): Promise<void> {
  const folder = chosen.folder === "" ? await mkdtemp(join(tmpdir(), "queue-store-open-")) : chosen.folder
  for (const phase of ["fill", "open"]) {
    const { status } = spawnSync(
      process.execPath,
      [
        "--expose-gc",
        import.meta.filename,
        `queues=${chosen.queues}`,
        `batch=${chosen.batch}`,
        `folder=${folder}`,
        `phase=${phase}`,
      ],
      { stdio: "inherit" },
    )
    if (status !== 0) throw new Error(`the process that should ${phase} the store failed`)
  }
  if (chosen.folder === "") await rm(folder, { recursive: true, force: true })
}

async function fillStore(): Promise<void> {
  const store = await openLmdbStore({ folder: chosen.folder })
  const before = memory()
  const started = performance.now()
  for (let made = 0; made < chosen.queues; made += chosen.batch) {
    await fill(store, Math.min(chosen.batch, chosen.queues - made), chosen.batch)
  }
  const seconds = (performance.now() - started) / 1000
  console.log(`filled with ${chosen.queues} queues in ${seconds.toFixed(1)} s`)
  reportGrowth("memory", before, memory())
  const trimming = performance.now()
  await store.trim()
  reportGrowth(`after trimming, in ${(performance.now() - trimming).toFixed(1)} ms, it`, before, memory())
  await store.close()
  console.log(`  file: ${perQueue((await stat(join(chosen.folder, "data.mdb"))).size)}`)
}

async function openStore(): Promise<void> {
  const before = memory()
  const started = performance.now()
  const store = await openLmdbStore({ folder: chosen.folder })
  const { queues } = await store.queues({ limit: 1 })
  const milliseconds = performance.now() - started
  const opened = memory()
  const { queues: count } = await store.counts()
  console.log(`opened and read the first of ${count} queues in ${milliseconds.toFixed(0)} ms`)
  console.log(`  memory grew by ${size(opened.anon - before.anon)} owned, ${size(opened.file - before.file)} mapped`)

  const walked = performance.now()
  let cursor = queues[0]?.recipientId
  let visited = 1
  while (cursor !== undefined) {
    const step = await store.queues({ limit: 1000, cursor })
    visited += step.queues.length
    cursor = step.cursor
  }
  const seconds = (performance.now() - walked) / 1000
  console.log(`walked over ${visited} records in ${seconds.toFixed(1)} s`)
  reportGrowth("memory", before, memory())
  const trimming = performance.now()
  await store.trim()
  reportGrowth(`after trimming, in ${(performance.now() - trimming).toFixed(1)} ms, it`, before, memory())
  await store.close()
}

interface Memory {
  readonly anon: number
  readonly file: number
}

/** Resident memory of this process in bytes, by kind. */
function memory(): Memory {
  globalThis.gc?.()
  const status = readFileSync("/proc/self/status", "utf8")
  const of = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024
  return { anon: of("RssAnon"), file: of("RssFile") }
}

function reportGrowth(what: string, before: Memory, after: Memory): void {
  console.log(
    `  ${what} grew by ${perQueue(after.anon - before.anon)} owned, ${perQueue(after.file - before.file)} mapped`,
  )
}

function perQueue(bytes: number): string {
  return `${(bytes / chosen.queues).toFixed(0)} bytes a queue`
}

function size(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`
}
