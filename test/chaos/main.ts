/**
 * Runs the chaos test for as long as wanted:
 *
 *     npm run chaos -- [--minutes 3] [--seed N] [--topology workers|redis|cluster] [--verbose]
 *
 * Prints one JSON line per topology; exit code 1 when something was lost, repeated or out of order.
 */
import { parseArgs } from "node:util"
import { runChaos } from "./run.ts"
import type { TopologyName } from "./topologies.ts"

const ALL: readonly TopologyName[] = ["workers", "redis", "cluster"]
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    verbose: { type: "boolean", default: false },
    topology: { type: "string", multiple: true, default: [...ALL] },
  },
})
const topologies = ALL.filter((name) => values.topology.includes(name))
const duration = (Number(values.minutes) * 60_000) / topologies.length

const began = performance.now()
const tell = (step: string): void => {
  if (values.verbose) console.error(`${((performance.now() - began) / 1000).toFixed(1)} ${step}`)
}

for (const topology of topologies) {
  const { log, ...report } = await runChaos({ topology, duration, seed: Number(values.seed), tell })
  console.log(JSON.stringify(report))
  if (report.violations.length === 0) continue
  console.error(log)
  process.exitCode = 1
}
