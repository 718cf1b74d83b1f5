import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { type Counts, totals } from "../support/kill-ledger.ts"
import { seededRandom } from "../support/seeded-random.ts"
import { type Fault, TOPOLOGIES, type TopologyName } from "./topologies.ts"
import { Traffic } from "./traffic.ts"

export interface ChaosOptions {
  readonly topology: TopologyName
  /** How long faults go on, milliseconds. */
  readonly duration: number
  readonly seed: number
  readonly queues?: number
  /** Told about every step. */
  readonly tell?: (step: string) => void
}

export interface ChaosReport extends Counts {
  readonly topology: TopologyName
  readonly seed: number
  readonly seconds: number
  /** How often each fault happened. */
  readonly faults: Readonly<Record<string, number>>
  /** Connections of recipients, those of the beginning included. */
  readonly connections: number
  /** Queues that another connection took over, and how often the former one heard of it. */
  readonly takenOver: number
  readonly ends: number
  /** Everything that must not be; empty when all is well. */
  readonly violations: readonly string[]
  /** What the nodes logged, for a failure. */
  readonly log: string
}

/** Milliseconds between two faults: from the first to the second. */
const BETWEEN = [500, 2_500] as const
/** Milliseconds that one message per queue takes, on average. */
const PACE = 1_000
const CLIENTS = 20

/**
 * Lets things happen to a fleet while clients send, receive and acknowledge, and looks at the books: everything answered
 * OK must have come, in order, and nothing again whose ACK was answered. The seed decides what happens and to whom; when
 * exactly is the machine's affair.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { topology: name, duration, seed, queues = 200, tell = () => undefined } = options
  const random = seededRandom(seed)
  const folder = await mkdtemp(join(tmpdir(), "sluice-chaos-"))
  await createIdentity(nativeCrypto, identityFiles(join(folder, "identity")), {
    host: "localhost",
    now: Math.floor(Date.now() / 1000),
  })
  try {
    await using topology = await TOPOLOGIES[name](folder)
    const { fleet } = topology
    await using traffic = await Traffic.start({ address: fleet.address, queues, clients: CLIENTS, pace: PACE, random })
    const comeBack = (): Promise<void> => traffic.takeOver(Math.floor(random() * CLIENTS))
    const faults = [...topology.faults, { name: "let a recipient come back elsewhere", run: comeBack }]
    traffic.begin()
    const begin = performance.now()
    const happened = Object.fromEntries(faults.map((fault) => [fault.name, 0]))
    // Each fault once, in an order of the seed's choice and however long that takes, then any.
    const first = shuffled(faults, random)
    while (first.length > 0 || performance.now() - begin < duration) {
      await wait(BETWEEN[0] + random() * (BETWEEN[1] - BETWEEN[0]))
      const fault = first.pop() ?? pick(faults, random)
      const node = Math.floor(random() * fleet.size)
      tell(`${fault.name}: ${node}`)
      await fault.run(node)
      happened[fault.name] = (happened[fault.name] ?? 0) + 1
    }
    tell("finish")
    await traffic.finish()
    tell("finished")
    return {
      topology: name,
      seed,
      seconds: Math.round((performance.now() - begin) / 1000),
      faults: happened,
      ...totals(traffic.ledgers),
      connections: traffic.connections,
      takenOver: traffic.takenOver,
      ends: traffic.ends,
      violations: [...traffic.violations, ...traffic.ledgers.flatMap(({ violations }) => violations)],
      log: fleet.log,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function pick(faults: readonly Fault[], random: () => number): Fault {
  const fault = faults[Math.floor(random() * faults.length)]
  if (fault === undefined) throw new RangeError("there are no faults")
  return fault
}

function shuffled(faults: readonly Fault[], random: () => number): Fault[] {
  return faults
    .map((fault) => ({ fault, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ fault }) => fault)
}
