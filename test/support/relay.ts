import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { loadConfig } from "@sluice/ops/config"
import type { Log } from "@sluice/ops/log"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import { type RelayConfig, relaySettings } from "@sluice/relay/config"
import { openStore } from "@sluice/relay/open-store"
import { createRelay, type Relay } from "@sluice/relay/relay"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { connectRaw, type RawClient, type RawOptions } from "./raw-client.ts"

/** How a {@link TestRelay} differs from the reference's test server. */
export interface TestRelayOptions {
  /** Settings by key, such as `{"relay.message_quota": 2}`, on top of {@link TEST_SETTINGS}. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Default `lmdb`, in a folder of its own. */
  readonly store?: "lmdb" | "memory"
  /** Default the machine's; certificates are valid from its present time. */
  readonly clock?: Clock
  /** Of the relay's own; default the native one. */
  readonly crypto?: CryptoBackend
  /** Default a log that is kept in {@link TestRelay.log}. */
  readonly log?: Log
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
  #running: { readonly relay: Relay; readonly store: QueueStore } | undefined

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

  get relay(): Relay {
    if (this.#running === undefined) throw new Error("the relay is stopped")
    return this.#running.relay
  }

  /** The store that it works on, for what no command of the protocol does. */
  get store(): QueueStore {
    if (this.#running === undefined) throw new Error("the relay is stopped")
    return this.#running.store
  }

  get port(): number {
    const [address] = this.relay.addresses
    if (address === undefined) throw new Error("the relay does not listen")
    return address.port
  }

  /** Starts it again after {@link stop}, with other settings if need be. */
  async start(settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { store: kind = "lmdb", clock, crypto, log = this.log } = this.#options
    const overrides = { ...TEST_SETTINGS, "store.kind": kind, ...this.#options.settings, ...settings }
    const config: RelayConfig = loadConfig(relaySettings, { overrides })
    const open = await openStore(config, this.folder, { crypto: nativeCrypto, log })
    const relay = await createRelay(config, {
      ...{ log, dataFolder: this.folder, store: open },
      ...(clock && { clock }),
      ...(crypto && { crypto }),
    })
    await relay.start(new AbortController().signal)
    this.#running = { relay, store: open.store }
  }

  async stop(): Promise<void> {
    await this.#running?.relay.stop(AbortSignal.timeout(STOP_WITHIN))
    this.#running = undefined
  }

  /** A connection, closed with the relay at the latest. */
  async connect(options: RawOptions = {}): Promise<RawClient> {
    const now = Math.floor((this.#options.clock ?? systemClock).now() / 1000)
    const address = { host: "127.0.0.1", port: this.port, keyHash: this.relay.fingerprint, now }
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
    await rm(this.folder, { recursive: true, force: true })
  }
}
