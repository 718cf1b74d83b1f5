import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import { MemoryHub } from "@sluice/fleet/memory-link"
import { openSocketHub, type SocketHub } from "@sluice/fleet/socket-hub"
import { socketLink } from "@sluice/fleet/socket-link"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { loadConfig } from "@sluice/ops/config"
import type { Log } from "@sluice/ops/log"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import { type RelayConfig, relaySettings } from "@sluice/relay/config"
import { type OpenStore, openStore } from "@sluice/relay/open-store"
import { createRelay, type Relay } from "@sluice/relay/relay"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { connectRaw, type RawClient, type RawOptions } from "./raw-client.ts"

/** How a {@link TestRelay} differs from the reference's test server. */
export interface TestRelayOptions {
  /** Settings by key, such as `{"relay.message_quota": 2}`, on top of {@link TEST_SETTINGS}. */
  readonly settings?: Readonly<Record<string, unknown>>
  /**
   * Default `lmdb`, in a folder of its own. Nodes on `redis` also meet there: in the one that `redis.nodes` of the settings
   * names, or else one of their own.
   */
  readonly store?: "lmdb" | "memory" | "redis"
  /** Default the machine's; certificates are valid from its present time. */
  readonly clock?: Clock
  /**
   * Relays that share one store and address, in one process; default 1. Connections go to one after the other, so two that
   * follow each other are never on the same node.
   */
  readonly nodes?: number
  /** Join the nodes as the workers of one machine: the store open for several processes, and a socket between them. */
  readonly workers?: boolean
  /** Of the relay's own; default the native one. */
  readonly crypto?: CryptoBackend
  /** Default a log that is kept in {@link TestRelay.log}. */
  readonly log?: Log
}

/** One of the relays behind a {@link TestRelay}. */
export interface TestNode {
  readonly relay: Relay
  /** Its name in the fleet; empty when it is alone. */
  readonly name: string
}

/** What cases that concern several connections run on: one relay, and nodes that share an address. */
export const TOPOLOGIES: readonly Topology[] = [
  { name: "one node", on: {} },
  { name: "three nodes", on: { nodes: 3 } },
  { name: "three nodes on Redis", on: { nodes: 3, store: "redis" } },
  { name: "three workers", on: { nodes: 3, workers: true } },
]

export interface Topology {
  readonly name: string
  readonly on: Pick<TestRelayOptions, "nodes" | "store" | "workers">
}

/**
 * What smp.md §10 runs its cases with. The two delays are shorter than there, to be waited for in real time: what is
 * tested is what arrives after them, not how long they are.
 */
export const TEST_SETTINGS: Readonly<Record<string, unknown>> = {
  "relay.bind": ["127.0.0.1"],
  "relay.port": 0,
  "admin.port": 0,
  "relay.message_quota": 4,
  "relay.end_interval": "20ms",
  "relay.notification_interval": "15ms",
  "relay.expire_on_send": false,
}

/** Milliseconds that a relay gets to flush and close its connections before it is cut off. */
const STOP_WITHIN = 5000

/**
 * A relay in this process on a free port of 127.0.0.1, with certificates and store in a temporary folder, which goes away
 * with it. Can be stopped and started again on the same folder.
 */
export class TestRelay implements AsyncDisposable {
  readonly folder: string
  /** Everything that it logged, unless a log was given. */
  readonly log: RecordingLog = recordingLog()
  readonly #options: TestRelayOptions
  readonly #clients = new Set<RawClient>()
  /** What joins the nodes; its faults are for tests. */
  readonly hub: MemoryHub = new MemoryHub()
  #running: { readonly nodes: readonly TestNode[]; readonly store: QueueStore } | undefined
  #next = 0
  #redis: TestRedis | undefined
  #socketHub: SocketHub | undefined

  private constructor(folder: string, options: TestRelayOptions) {
    this.folder = folder
    this.#options = options
  }

  static async start(options: TestRelayOptions = {}): Promise<TestRelay> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-relay-"))
    const relay = new TestRelay(folder, options)
    const now = Math.floor((options.clock ?? systemClock).now() / 1000)
    await createIdentity(nativeCrypto, identityFiles(join(folder, "identity")), { host: "localhost", now })
    await relay.start()
    return relay
  }

  /** The relay, or the first of several nodes. */
  get relay(): Relay {
    return this.node(0).relay
  }

  /** One of the nodes. */
  node(index: number): TestNode {
    const node = this.#running?.nodes[index]
    if (node === undefined) throw new Error("the relay is stopped")
    return node
  }

  /** The store that it works on, for what no command of the protocol does. */
  get store(): QueueStore {
    if (this.#running === undefined) throw new Error("the relay is stopped")
    return this.#running.store
  }

  /** Where clients find it. */
  get address(): Server {
    return { hosts: ["127.0.0.1"], port: String(this.port), keyHash: this.relay.fingerprint }
  }

  get port(): number {
    const [address] = this.relay.addresses
    if (address === undefined) throw new Error("the relay does not listen")
    return address.port
  }

  /** Starts it again after {@link stop}, with other settings if need be. */
  async start(settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { store: kind = "lmdb", clock, crypto, log = this.log } = this.#options
    if (kind === "redis" && this.#options.settings?.["redis.nodes"] === undefined) this.#redis ??= await startRedis()
    const overrides = {
      ...(this.#redis && { "redis.nodes": [`127.0.0.1:${this.#redis.port}`], "redis.durability": "memory" }),
      ...TEST_SETTINGS,
      "store.kind": kind,
      ...this.#options.settings,
      ...settings,
    }
    const config: RelayConfig = loadConfig(relaySettings, { overrides })
    const { nodes: count = 1, workers: shared = false } = this.#options
    const open = (): Promise<OpenStore> => openStore(config, this.folder, { crypto: nativeCrypto, log, shared })
    const hub = join(this.folder, "hub")
    if (shared) this.#socketHub ??= await openSocketHub({ path: hub }, { clock: systemClock })
    const first = await open()
    // One store object for all nodes: the first that stops must not close it for the others.
    const common = { ...first, store: { ...first.store, close: () => Promise.resolve() } }
    const nodes: TestNode[] = []
    for (let index = 0; index < count; index++) {
      let name = ""
      const own = index === 0 || kind !== "redis" ? first : await open()
      const relay = await createRelay(config, {
        ...{ log, dataFolder: this.folder, store: kind === "redis" || count === 1 ? own : common },
        ...(clock && { clock }),
        ...(crypto && { crypto }),
        ...(count > 1 &&
          kind !== "redis" && {
            link: (components) => {
              name = components.node
              return shared ? socketLink({ path: hub })(components) : this.hub.link(name)
            },
          }),
      })
      await relay.start(new AbortController().signal)
      nodes.push({ relay, name })
    }
    this.#running = { nodes, store: first.store }
    this.#next = 0
  }

  /** Stops it and starts it where it was. */
  async restart(): Promise<void> {
    const { port } = this
    await this.stop()
    await this.start({ "relay.port": port })
  }

  async stop(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    await Promise.all(running.nodes.map(({ relay }) => relay.stop(AbortSignal.timeout(STOP_WITHIN))))
    await running.store.close()
    this.#running = undefined
  }

  /** A connection, closed with the relay at the latest. */
  connect(options: RawOptions = {}): Promise<RawClient> {
    return this.connectTo(this.#next++ % (this.#options.nodes ?? 1), options)
  }

  /** The same to one of the nodes. */
  async connectTo(index: number, options: RawOptions = {}): Promise<RawClient> {
    const { relay } = this.node(index)
    const [listener] = relay.addresses
    if (listener === undefined) throw new Error("the node does not listen")
    const now = Math.floor((this.#options.clock ?? systemClock).now() / 1000)
    const address = { host: "127.0.0.1", port: listener.port, keyHash: relay.fingerprint, now }
    const client = await connectRaw(address, options)
    this.#clients.add(client)
    return client
  }

  /** What it says at `/metrics`. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.relay.adminAddress.port}/metrics`)).text()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.stop()
    await this.#socketHub?.close()
    await this.#redis?.[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}
