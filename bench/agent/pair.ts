import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Agent } from "@sluice/agent/agent"
import type { AgentStore } from "@sluice/agent/store/agent-store"
import { lmdbStore } from "@sluice/agent/store/lmdb-store"
import { memoryStore } from "@sluice/agent/store/memory-store"
import type { ServerAddress } from "@sluice/encoding/server-address"

/** How two agents are connected. */
export interface PairOptions {
  readonly store: "memory" | "lmdb"
  readonly pq: boolean
}

/** Messages on their way at the same time, when one side only sends. */
const WINDOW = 32
const BODY = new Uint8Array(1000).fill(0x61)
const NO_INFO = new Uint8Array(0)

/** Two agents of this process with a connection between them, over one relay. */
export class AgentPair implements AsyncDisposable {
  readonly options: PairOptions
  readonly #folders: readonly string[]
  readonly #ends: readonly [End, End]

  private constructor(options: PairOptions, ends: readonly [End, End], folders: readonly string[]) {
    this.options = options
    this.#ends = ends
    this.#folders = folders
  }

  static async connect(relay: ServerAddress, options: PairOptions): Promise<AgentPair> {
    const folders = await Promise.all([0, 1].map(() => mkdtemp(join(tmpdir(), "sluice-bench-"))))
    const [alice, bob] = await Promise.all(folders.map((folder) => openAgent(relay, folder, options)))
    if (alice === undefined || bob === undefined) throw new Error("two agents are needed")
    const keys = options.pq ? "use" : "off"
    const { connectionId: a, link } = await alice.agent.createConnection(alice.user, { keys })
    const asked = alice.agent.events.once("confirmation")
    const connected = Promise.all([alice, bob].map(({ agent }) => agent.events.once("connected")))
    const { connectionId: b } = await bob.agent.joinConnection(bob.user, link, { info: NO_INFO, pq: options.pq })
    await alice.agent.allowConnection(a, (await asked).confirmationId, NO_INFO)
    await connected
    return new AgentPair(options, [new End(alice.agent, a), new End(bob.agent, b)], folders)
  }

  /** One side sends `count` messages; resolves when the other one has acknowledged all. */
  async oneWay(count: number): Promise<void> {
    const [sender, receiver] = this.#ends
    let begun = 0
    const one = async (): Promise<void> => {
      while (begun < count) {
        begun++
        const arrived = receiver.next()
        await sender.send()
        await arrived
      }
    }
    await Promise.all(Array.from({ length: WINDOW }, one))
  }

  /** Each message answers the one before: every one takes a step of the ratchet. */
  async alternating(count: number): Promise<void> {
    const [first, second] = this.#ends
    for (let i = 0; i < count; i += 2) {
      for (const [sender, receiver] of [
        [first, second],
        [second, first],
      ] as const) {
        const arrived = receiver.next()
        await sender.send()
        await arrived
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) await end.agent.close()
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true })
  }
}

/** One side: what it receives it acknowledges at once. */
class End {
  readonly agent: Agent
  readonly #id: Uint8Array
  readonly #waiting: (() => void)[] = []

  constructor(agent: Agent, id: Uint8Array) {
    this.agent = agent
    this.#id = id
    agent.events.on("message", ({ connectionId, meta }) => {
      agent.acknowledge(connectionId, meta.messageId).then(() => this.#waiting.shift()?.(), raise)
    })
  }

  async send(): Promise<void> {
    await this.agent.sendMessage(this.#id, BODY)
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

async function openAgent(relay: ServerAddress, folder: string, { store }: PairOptions) {
  // How long a passphrase takes to become a key is no matter of this.
  const cost = { memoryKiB: 64, passes: 1, lanes: 1 }
  const opened: AgentStore = store === "memory" ? memoryStore() : await lmdbStore({ folder, passphrase: "bench", cost })
  const agent = await Agent.open({ store: opened, network: { privacy: "fast" } })
  return { agent, user: await agent.createUser([{ address: relay }]) }
}

function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
