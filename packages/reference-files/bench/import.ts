import { mkdir, mkdtemp, rm, stat } from "node:fs/promises"
import { availableParallelism, cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { exportedData, exportStore } from "../src/export-store.ts"
import { dataFiles } from "../src/reference-names.ts"
import { generateFiles } from "../test/generated-files.ts"
import { makeIdentity, NOW } from "../test/reference-server.ts"
import { importAndKill, importInChild } from "../test/run-child.ts"
import { digestOf } from "../test/store-content.ts"

/**
 * Imports a generated server in full size: once without interruption, once killed half-way and run again, and compares the
 * two stores. Then exports the store. `node bench/import.ts [queues] [messages] [bytes of a body]`; ends with 1 when the
 * stores differ.
 */
const [queues = 100_000, messages = 50_000, body = 16_000] = process.argv.slice(2).map(Number)

const folder = await mkdtemp(join(tmpdir(), "sluice-import-"))
try {
  const source = join(folder, "source")
  await mkdir(source)
  await generateFiles(source, { queues, messages, body })
  await makeIdentity(source)
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, ${availableParallelism()} cores, Node ${process.version}`)
  for (const path of Object.values(dataFiles(source))) console.log(`${path}: ${mebibytes((await stat(path)).size)}`)

  const whole = join(folder, "whole")
  const { seconds, memory, summary } = await importInChild(source, whole)
  console.log(`imported in ${seconds.toFixed(1)} s with ${memory.toFixed(0)} MiB of memory at most`, summary)

  const killed = join(folder, "killed")
  await importAndKill(source, killed, "queues", 0.5)
  const again = await importInChild(source, killed)
  console.log(`killed half-way and run again in ${again.seconds.toFixed(1)} s`)
  const digests = [await digestOfFolder(join(whole, "store")), await digestOfFolder(join(killed, "store"))]
  const equal = digests[0] === digests[1]
  console.log(equal ? "both stores are equal" : "THE STORES DIFFER")
  if (!equal) process.exitCode = 1

  await exportAll(join(whole, "store"), join(folder, "exported"))
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function digestOfFolder(path: string): Promise<string> {
  const store = await openLmdbStore({ folder: path, sync: false })
  try {
    return await digestOf(store)
  } finally {
    await store.close()
  }
}

async function exportAll(path: string, target: string): Promise<void> {
  const store = await openLmdbStore({ folder: path, sync: false })
  try {
    const started = performance.now()
    await exportStore({ store, folder: target, now: NOW })
    const { size } = await stat(dataFiles(exportedData(target)).messages)
    console.log(
      `exported in ${((performance.now() - started) / 1000).toFixed(1)} s, of that ${mebibytes(size)} of messages`,
    )
  } finally {
    await store.close()
  }
}

function mebibytes(size: number): string {
  return `${(size / 2 ** 20).toFixed(1)} MiB`
}
