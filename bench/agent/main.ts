// Messages end to end: two agents in this process, a relay with durable commits in another one, beside what the
// cryptography of both ends alone costs. `npm run bench:agent`, about a minute. Rounds of all kinds take turns.
import { LaunchedRelay } from "../relay/launch.ts"
import { conditions, median, shown } from "../relay/medians.ts"
import { ceiling } from "./ceiling.ts"
import { AgentPair, type PairOptions } from "./pair.ts"

const ROUNDS = 3
const MESSAGES = { oneWay: 200, alternating: 40 } as const
type Way = keyof typeof MESSAGES
const WAYS: Readonly<Record<Way, string>> = { oneWay: "one way, 32 on their way", alternating: "alternating" }
const KINDS: readonly PairOptions[] = [
  { store: "memory", pq: false },
  { store: "memory", pq: true },
  { store: "lmdb", pq: false },
  { store: "lmdb", pq: true },
]

interface Series {
  readonly pair: AgentPair
  readonly way: Way
  readonly perSecond: number[]
  /** Microseconds of CPU time for each message. */
  readonly cpu: number[]
}

await using relay = await LaunchedRelay.start()
const pairs: AgentPair[] = []
for (const kind of KINDS) pairs.push(await AgentPair.connect(relay.address, kind))
const series = pairs.flatMap((pair) =>
  (["oneWay", "alternating"] as const).map((way): Series => ({ pair, way, perSecond: [], cpu: [] })),
)
for (let round = -1; round < ROUNDS; round++) {
  for (const { pair, way, perSecond, cpu } of series) {
    const count = MESSAGES[way]
    const [started, before] = [performance.now(), process.cpuUsage()]
    await pair[way](count)
    const { user, system } = process.cpuUsage(before)
    // The first round warms up.
    if (round < 0) continue
    perSecond.push((count * 1000) / (performance.now() - started))
    cpu.push((user + system) / count)
  }
}

console.log(`${conditions()}\n`)
console.log("| messages | keys | store | a second | rounds | CPU of both agents, µs | crypto alone, µs | ratio |")
console.log("| --- | --- | --- | --- | --- | --- | --- | --- |")
for (const { pair, way, perSecond, cpu } of series) {
  const { store, pq } = pair.options
  const least = ceiling(pq, way === "alternating")
  const cells = [
    WAYS[way],
    pq ? "post-quantum" : "X448",
    store,
    shown(median(perSecond)),
    perSecond.map(shown).join(", "),
  ]
  console.log(`| ${[...cells, shown(median(cpu)), shown(least), (median(cpu) / least).toFixed(1)].join(" | ")} |`)
}
for (const pair of pairs) await pair[Symbol.asyncDispose]()
