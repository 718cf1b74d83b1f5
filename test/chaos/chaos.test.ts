import { spawnSync } from "node:child_process"
import { expect, test } from "vitest"
import { seedFrom } from "../support/seeded-random.ts"
import { runChaos } from "./run.ts"
import type { TopologyName } from "./topologies.ts"

const HAS_REDIS = spawnSync("redis-server", ["--version"]).status === 0

/**
 * Fleets of three nodes lose nothing that they answered OK and deliver nothing twice whose ACK they answered, whatever
 * happens to a node, to Redis or to what lies between them. Some seconds each; `npm run chaos -- --minutes 30` runs as long
 * as wanted. `SLUICE_CHAOS_SEED` repeats what happens, as far as time can be repeated.
 */
const RUNS: readonly { readonly topology: TopologyName; readonly seconds: number }[] = [
  { topology: "workers", seconds: 8 },
  { topology: "redis", seconds: 14 },
  { topology: "cluster", seconds: 14 },
]

test.each(RUNS)("a fleet of three nodes: $topology", { timeout: 180_000 }, async ({ topology, seconds }) => {
  if (topology !== "workers" && !HAS_REDIS) return
  const { log, ...report } = await runChaos({ topology, duration: seconds * 1000, seed: seedFrom("SLUICE_CHAOS_SEED") })
  console.log(`chaos: ${JSON.stringify(report)}`)
  expect([report.violations, report.violations.length > 0 ? log : ""]).toEqual([[], ""])
  expect(Object.values(report.faults).every((times) => times > 0)).toBe(true)
  expect(report.answeredOk).toBeGreaterThan(500)
})
