import { writeSync } from "node:fs"
import type { Progress } from "../src/import-options.ts"
import { planImport } from "../src/plan-import.ts"
import { runImport } from "../src/run-import.ts"

/**
 * Imports a folder in a process of its own, which can be killed: `node import-child.ts <source> <target> [stage part]`.
 * The source holds the files of both folders of the reference. With a stage and a part of it, from 0 to 1, it says
 * `reached` there and waits for its end.
 */
const [source = "", target = "", stopStage, stopPart = "0"] = process.argv.slice(2)

function onProgress({ stage, done, total }: Progress): void {
  if (stage !== stopStage || done < total * Number(stopPart)) return
  writeSync(1, "reached\n")
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

const plan = await planImport({
  dataFolder: source,
  configFolder: source,
  storeFolder: `${target}/store`,
  identityFolder: `${target}/identity`,
  now: Math.floor(Date.now() / 1000),
})
const started = performance.now()
const { status, summary } = await runImport(plan, { onProgress, now: () => Date.now() })
const seconds = (performance.now() - started) / 1000
const memory = process.resourceUsage().maxRSS / 1024
writeSync(1, `${JSON.stringify({ status, summary, seconds, memory })}\n`)
