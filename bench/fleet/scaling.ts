// Relay processes that share one Redis and one port: `npm run bench:scaling`, about six minutes a round. Messages per second
// and CPU time for 1,000 messages, of the relays and of Redis, for 1, 2 and 4 processes, beside the embedded store and beside
// four relays that have nothing to do with each other, in the same run: as fast as it goes, and at the same load for each process.
import { cpus } from "node:os"
import { conditions, median, row, shown } from "../relay/medians.ts"
import { type Result, runTopology, type Topology } from "./topology.ts"

/** A core counts as full from this part of its time on: the rest goes to the system. */
const FULL = 0.85
const ROUNDS = Number(process.argv[2] ?? 3)
/** Messages a second for each process that all can take, also four of them on this machine. */
const RATE = Number(process.argv[3] ?? 400)
const EMBEDDED: Topology = { name: "embedded store, 1 process", processes: 1 }
const ONE: Topology = { name: "Redis (memory), 1 process", processes: 1, durability: "memory" }
const TWO: Topology = { name: "Redis (memory), 2 processes", processes: 2, durability: "memory" }
const FOUR: Topology = { name: "Redis (memory), 4 processes", processes: 4, durability: "memory" }
const APART: Topology = { ...FOUR, name: "Redis (memory), 4 relays apart", apart: true }
const ONE_FSYNC: Topology = { name: "Redis (fsync), 1 process", processes: 1, durability: "fsync" }
const FOUR_FSYNC: Topology = { name: "Redis (fsync), 4 processes", processes: 4, durability: "fsync" }
const paced = (topology: Topology): Topology => ({ ...topology, name: `${topology.name}, ${RATE}/s each`, rate: RATE })
const [ONE_PACED, TWO_PACED, FOUR_PACED, APART_PACED] = [paced(ONE), paced(TWO), paced(FOUR), paced(APART)] as const
const TOPOLOGIES = [
  ...[EMBEDDED, ONE, TWO, FOUR, APART, ONE_FSYNC, FOUR_FSYNC],
  ...[ONE_PACED, TWO_PACED, FOUR_PACED, APART_PACED],
]

console.log(`${conditions()}\n`)
const found = new Map<Topology, Result[]>(TOPOLOGIES.map((topology) => [topology, []]))
for (let round = 1; round <= ROUNDS; round++) {
  for (const [topology, results] of found) results.push(await runTopology(topology))
  console.error(`round ${round} of ${ROUNDS} done; ${conditions()}`)
}
console.log("| figure | median | rounds |\n|---|---|---|")
const FIGURES: readonly [string, (result: Result) => number][] = [
  ["messages per second", ({ perSecond }) => perSecond],
  ["relays, CPU s per 1,000", ({ relays }) => relays],
  ["Redis, CPU s per 1,000", ({ redis }) => redis],
  ["load generator, CPU s per 1,000", ({ client }) => client],
]
for (const [{ name }, results] of found) {
  for (const [figure, pick] of FIGURES) console.log(row(`${name}: ${figure}`, results.map(pick)))
}
console.log("\nWhat was busy, in cores:")
for (const [{ name }, results] of found) console.log(`- ${name}: ${bottleneck(results)}`)
console.log("\nCPU time of relays and Redis for the same messages, medians:")
console.log(`- one process on Redis (memory): ${times(ONE, EMBEDDED)} the embedded store`)
console.log(`- one process on Redis (fsync): ${times(ONE_FSYNC, EMBEDDED)} the embedded store`)
for (const [what, one, two, four, apart] of [
  ["as fast as it goes", ONE, TWO, FOUR, APART],
  [`${RATE}/s for each process`, ONE_PACED, TWO_PACED, FOUR_PACED, APART_PACED],
] as const) {
  console.log(`- ${what}: two processes ${times(two, one)} one process, four ${times(four, one)}`)
  console.log(
    `- ${what}: four relays apart ${times(apart, one)} one process; four processes ${times(four, apart)} these`,
  )
}

/** A part that runs on one core at a time is the bottleneck when that is full; all together when the machine is. */
function bottleneck(results: readonly Result[]): string {
  const cores = (cpuOf: (result: Result) => number): number =>
    median(results.map((result) => (result.perSecond / 1000) * cpuOf(result)))
  const [relays, redis, client] = [cores((r) => r.relays), cores((r) => r.redis), cores((r) => r.client)]
  const all = cpus().length
  const parts = `relays ${shown(relays)}, Redis ${shown(redis)}, load generator ${shown(client)} of ${all}`
  if (relays + redis + client > FULL * all) return `${parts}: the machine is the bottleneck`
  if (redis > FULL) return `${parts}: Redis is the bottleneck`
  if (client > FULL) return `${parts}: the load generator is the bottleneck`
  return `${parts}: no processor is full, what limits is waiting`
}

function times(a: Topology, b: Topology): string {
  return `${(total(a) / total(b)).toFixed(2)} times`
}

function total(topology: Topology): number {
  return median((found.get(topology) ?? []).map(({ relays, redis }) => relays + redis))
}
