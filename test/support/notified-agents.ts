import type { VersionRange } from "@sluice/encoding/version"
import { expect } from "vitest"
import { connect, type Pair, TestAgent, type TestAgentOptions } from "../agent/test-agent.ts"
import { Device } from "./device.ts"
import { TestNotifications } from "./notifications.ts"
import { type PushService, type PushServiceName, type Settings, startPushService } from "./push-service.ts"
import { TestRelay } from "./relay.ts"

/** How an agent differs from the usual one. */
export interface NotifiedAgentOptions extends Partial<Omit<TestAgentOptions, "notifications">> {
  /** Versions of the protocol with notification servers. */
  readonly ntfRange?: VersionRange | undefined
}

/** How {@link NotifiedAgents} differ from the usual ones. */
export interface NotifiedAgentsOptions {
  /** Default APNs. */
  readonly push?: PushServiceName
  /** How many relays there are; default 1. */
  readonly relays?: number
  /** How many notification servers there are, with one push service; default 1. Agents know {@link configured} of them. */
  readonly servers?: number
  /** Default 1. */
  readonly configured?: number
  readonly relaySettings?: Settings
  readonly ntfSettings?: Settings
  readonly alice?: NotifiedAgentOptions
  readonly bob?: NotifiedAgentOptions
}

/** Comes back to a relay that was away sooner than a device would. */
const QUICK: TestAgentOptions["client"] = { backoff: { initialMs: 50, maxMs: 200 } }

/**
 * Alice, whose device gets pushes, and Bob, who writes to her, with their relay, their notification server and a push
 * service that it reaches over HTTPS: what the cases of notifications-client.md §7 are about.
 */
export class NotifiedAgents implements AsyncDisposable {
  readonly push: PushService
  readonly relays: readonly TestRelay[]
  readonly servers: readonly TestNotifications[]
  readonly alice: TestAgent
  readonly bob: TestAgent
  /** Alice's, with the token `abcd`. */
  readonly device: Device
  readonly #stack: AsyncDisposableStack

  private constructor(
    parts: Pick<NotifiedAgents, "push" | "relays" | "servers" | "alice" | "bob">,
    stack: AsyncDisposableStack,
  ) {
    this.push = parts.push
    this.relays = parts.relays
    this.servers = parts.servers
    this.alice = parts.alice
    this.bob = parts.bob
    this.device = new Device(parts.alice, parts.push, "abcd")
    this.#stack = stack
  }

  static async start(options: NotifiedAgentsOptions = {}): Promise<NotifiedAgents> {
    await using stack = new AsyncDisposableStack()
    const push = stack.use(await startPushService(options.push ?? "APNs"))
    const relays: TestRelay[] = []
    for (let i = 0; i < (options.relays ?? 1); i++) {
      relays.push(stack.use(await TestRelay.start({ settings: options.relaySettings ?? {} })))
    }
    const servers: TestNotifications[] = []
    for (let i = 0; i < (options.servers ?? 1); i++) {
      servers.push(stack.use(await TestNotifications.start({ push, settings: options.ntfSettings ?? {} })))
    }
    const known = servers.slice(0, options.configured ?? 1)
    const alice = stack.use(await openAgent("alice", relays, known, options.alice))
    const bob = stack.use(await openAgent("bob", relays, known, options.bob))
    return new NotifiedAgents({ push, relays, servers, alice, bob }, stack.move())
  }

  /** The first relay. */
  get relay(): TestRelay {
    return first(this.relays)
  }

  /** The first notification server. */
  get ntf(): TestNotifications {
    return first(this.servers)
  }

  /** Another agent of the same servers, which ends with these. */
  async agent(name: string, options: NotifiedAgentOptions = {}): Promise<TestAgent> {
    return this.#stack.use(await openAgent(name, this.relays, [this.ntf], options))
  }

  /** Another device, of Bob's unless it is somebody else's. */
  deviceOf(owner: TestAgent, name: string): Device {
    return new Device(owner, this.push, name)
  }

  connect(): Promise<Pair> {
    return connect(this.alice, this.bob)
  }

  /** Connects the two, and lets Alice's device be told of what Bob says from then on. */
  async notified(): Promise<Pair> {
    const pair = await this.connect()
    await this.device.activate("instant")
    await this.listening(pair)
    return pair
  }

  /** Resolves when the notification server listens to Alice's queues of these connections. */
  listening(...pairs: readonly Pair[]): Promise<void> {
    return this.device.listening(
      this.ntf,
      pairs.map(({ a }) => a),
    )
  }

  /** Bob says something, which Alice gets. */
  async said({ a, b }: Pair, text: string): Promise<void> {
    await this.bob.say(b, text)
    expect(await this.alice.text(a)).toBe(text)
  }

  /** Bob says something, which Alice gets and her device is told of. */
  async pushed(pair: Pair, text: string): Promise<void> {
    await this.said(pair, text)
    await this.device.notified(pair.a)
  }

  /** No agent was told of anything that went wrong. */
  expectNoErrors(): void {
    for (const { events } of [this.alice, this.bob]) expect(events.filter(({ type }) => type === "error")).toEqual([])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

function openAgent(
  name: string,
  servers: readonly TestRelay[],
  ntf: readonly TestNotifications[],
  { ntfRange: range, client, ...options }: NotifiedAgentOptions = {},
): Promise<TestAgent> {
  const notifications = { servers: ntf.map(({ address }) => address), range }
  return TestAgent.open(name, { servers, store: "lmdb", ...options, client: { ...QUICK, ...client }, notifications })
}

function first<T>([one]: readonly T[]): T {
  if (one === undefined) throw new Error("there is none")
  return one
}
