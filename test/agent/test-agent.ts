import { cp, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Agent } from "@sluice/agent/agent"
import type { AgentOptions } from "@sluice/agent/core/build-context"
import type { AgentEvent } from "@sluice/agent/events"
import type { ServerSetting } from "@sluice/agent/network/settings"
import type { AgentStore } from "@sluice/agent/store/agent-store"
import { lmdbStore } from "@sluice/agent/store/lmdb-store"
import { memoryStore } from "@sluice/agent/store/memory-store"
import { fromUtf8, toHex, utf8 } from "@sluice/encoding/bytes"
import type { ServerAddress } from "@sluice/encoding/server-address"
import type { TestRelay } from "../support/relay.ts"

/** Cheap to open: what a passphrase costs is tested elsewhere. */
const CHEAP = { memoryKiB: 64, passes: 1, lanes: 1 }

/** Milliseconds that a test waits for what must come. Only a failing test waits so long. */
const PATIENCE = 10_000

export type EventOf<T extends AgentEvent["type"]> = Extract<AgentEvent, { readonly type: T }>

/** How a {@link TestAgent} differs from the usual one. */
export interface TestAgentOptions extends Omit<AgentOptions, "store"> {
  readonly servers: readonly (TestRelay | ServerSetting)[]
  /** Default `memory`. With `lmdb` it can be restarted. */
  readonly store?: "lmdb" | "memory"
}

export function addressOf({ relay: { fingerprint }, port }: TestRelay): ServerAddress {
  return { scheme: "smp", keyHash: fingerprint, hosts: ["127.0.0.1"], port: String(port) }
}

/** An agent of one user that keeps its events until a test takes them. */
export class TestAgent implements AsyncDisposable {
  readonly name: string
  readonly events: AgentEvent[] = []
  readonly userId: number
  agent: Agent
  readonly #options: TestAgentOptions
  readonly #folder: string | undefined
  #wake: (() => void)[] = []
  #interrupted = false

  private constructor(
    name: string,
    options: TestAgentOptions,
    folder: string | undefined,
    agent: Agent,
    userId: number,
  ) {
    this.name = name
    this.#options = options
    this.#folder = folder
    this.agent = agent
    this.userId = userId
    this.#listen()
  }

  static async open(name: string, options: TestAgentOptions): Promise<TestAgent> {
    const folder = options.store === "lmdb" ? await mkdtemp(join(tmpdir(), "sluice-agent-")) : undefined
    const agent = await Agent.open({ ...defaults(options), store: await openStore(folder) })
    const userId = await agent.createUser(options.servers.map(setting))
    return new TestAgent(name, options, folder, agent, userId)
  }

  /** Where its store is. */
  get folder(): string {
    if (this.#folder === undefined) throw new Error(`${this.name} has no folder`)
    return this.#folder
  }

  /** Closes it, and opens it again on the same store. */
  async restart(options: Partial<TestAgentOptions> = {}): Promise<void> {
    await this.stop()
    await this.start(options)
  }

  async stop(): Promise<void> {
    await this.agent.close()
  }

  async start(options: Partial<TestAgentOptions> = {}): Promise<void> {
    if (this.#folder === undefined) throw new Error(`${this.name} has no store to start from`)
    const store = await openStore(this.#folder)
    this.agent = await Agent.open({ ...defaults({ ...this.#options, ...options }), store })
    this.#listen()
    await this.agent.subscribe()
  }

  /** Becomes a twin of another agent: the same connections, in a copy of its store. */
  async cloneFrom(other: TestAgent): Promise<void> {
    await this.stop()
    await cp(other.folder, this.folder, { recursive: true, force: true })
    const store = await openStore(this.folder)
    this.agent = await Agent.open({ ...defaults(this.#options), store })
    this.#listen()
  }

  /** The first event of this type (for this connection) that no test has taken yet; waits for it. */
  next<T extends AgentEvent["type"]>(
    type: T,
    connectionId?: Uint8Array,
    where?: (event: EventOf<T>) => boolean,
  ): Promise<EventOf<T>> {
    return this.nextOf([type], connectionId, where)
  }

  /** The same for events of several types. */
  async nextOf<T extends AgentEvent["type"]>(
    types: readonly T[],
    connectionId?: Uint8Array,
    where: (event: EventOf<T>) => boolean = () => true,
  ): Promise<EventOf<T>> {
    const wanted = (event: AgentEvent): event is EventOf<T> => {
      if (!types.some((type) => type === event.type) || !where(event as EventOf<T>)) return false
      return connectionId === undefined || ("connectionId" in event && same(event.connectionId, connectionId))
    }
    // Made here, so that its stack names the line of the test that waits in vain.
    const late = new Error(`${this.name}: no ${types.join(" or ")} within ${PATIENCE / 1000} s`)
    const deadline = performance.now() + PATIENCE
    for (;;) {
      const at = this.events.findIndex(wanted)
      const found = this.events[at]
      if (found !== undefined) {
        this.events.splice(at, 1)
        return found as EventOf<T>
      }
      const left = this.#interrupted ? 0 : deadline - performance.now()
      if (left <= 0) throw new Error(`${late.message}; there is ${this.summary()}`, { cause: late })
      await this.#changed(left)
    }
  }

  /** Ends waits that nothing will come for any more. */
  interrupt(): void {
    this.#interrupted = true
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Types and texts of the events that wait. */
  summary(): string {
    return JSON.stringify(
      this.events.map((event) => (event.type === "error" ? `error ${event.error.message}` : event.type)),
    )
  }

  /** The next message as text, acknowledged. */
  async text(connectionId: Uint8Array, receipt?: boolean): Promise<string> {
    const { meta, body } = await this.next("message", connectionId)
    await this.agent.acknowledge(connectionId, meta.messageId, receipt === undefined ? {} : { receipt })
    return fromUtf8(body)
  }

  /** Sends a text. */
  async say(connectionId: Uint8Array, text: string): Promise<number> {
    return (await this.agent.sendMessage(connectionId, utf8(text))).messageId
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.close()
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }

  /** Resolves with the next event, or after this time. */
  #changed(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #listen(): void {
    this.agent.events.onAny((event) => {
      this.events.push(event)
      const waiting = this.#wake
      this.#wake = []
      for (const wake of waiting) wake()
    })
  }
}

/** Two agents with a connection between them. */
export interface Pair {
  /** The initiator's ID of the connection. */
  readonly a: Uint8Array
  /** The joiner's. */
  readonly b: Uint8Array
}

/** Connects two agents by an invitation. */
export async function connect(alice: TestAgent, bob: TestAgent): Promise<Pair> {
  const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
  const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("bob's profile") })
  const { confirmationId } = await alice.next("confirmation", a)
  await alice.agent.allowConnection(a, confirmationId, utf8("alice's profile"))
  await bob.next("info", b)
  await Promise.all([alice.next("connected", a), bob.next("connected", b)])
  return { a, b }
}

/** Both sides send something and get it. */
export async function exchange(alice: TestAgent, bob: TestAgent, { a, b }: Pair, text = "hello"): Promise<void> {
  await alice.say(a, `${text} from ${alice.name}`)
  await bob.say(b, `${text} from ${bob.name}`)
  const got = await Promise.all([bob.text(b), alice.text(a)])
  const expected = [`${text} from ${alice.name}`, `${text} from ${bob.name}`]
  if (got.join() !== expected.join()) throw new Error(`expected ${expected.join()}, got ${got.join()}`)
}

function setting(server: TestRelay | ServerSetting): ServerSetting {
  return "relay" in server ? { address: addressOf(server) } : server
}

function defaults(options: TestAgentOptions): Omit<AgentOptions, "store"> {
  const { servers: _, store: __, ...rest } = options
  return { network: { privacy: "fast" }, ...rest }
}

function openStore(folder: string | undefined): Promise<AgentStore> | AgentStore {
  return folder === undefined ? memoryStore() : lmdbStore({ folder, passphrase: "test", cost: CHEAP })
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && toHex(a) === toHex(b)
}
