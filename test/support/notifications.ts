import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import { type NotificationsConfig, notificationsSettings } from "@sluice/notifications/config"
import { createNotificationsServer, type NotificationsServer } from "@sluice/notifications/notifications-server"
import { configuredProviders } from "@sluice/notifications/push/configured-providers"
import type { NtfStore } from "@sluice/notifications/store/ntf-store"
import { createMemoryStore, openEmbeddedStore } from "@sluice/notifications/store/table-store"
import { connectNtf, type NtfConnectOptions } from "@sluice/ntf-client/connect"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import type { RegisteredToken, RegistrationKeys, TokenAccess } from "@sluice/ntf-client/ntf-commands"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import { decodeMessageList, type MessageEntry } from "@sluice/ntf-protocol/message-list"
import { openPush } from "@sluice/ntf-protocol/push-content"
import type { SubscriptionStatus } from "@sluice/ntf-protocol/status"
import { loadConfig } from "@sluice/ops/config"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import type { SmpClient } from "@sluice/smp-client/client"
import type { CreatedNotifier, CreatedQueue } from "@sluice/smp-client/queue-types"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import {
  type ArrivedPush,
  type PushService,
  type PushServiceName,
  type Settings,
  startPushService,
} from "./push-service.ts"

/** How a {@link TestNotifications} differs from the usual one. */
export interface TestNotificationsOptions {
  /** Settings by key, on top of {@link NTF_SETTINGS}. */
  readonly settings?: Settings
  /** Default `lmdb`, in a folder of its own. */
  readonly store?: "lmdb" | "memory"
  /** Where it pushes: one of its own of this name, by default APNs, or one that outlives it. */
  readonly push?: PushServiceName | PushService
}

/** What notifications.md §9 runs its cases with. */
export const NTF_SETTINGS: Settings = {
  "notifications.bind": ["127.0.0.1"],
  "notifications.port": 0,
  "notifications.test_tokens": true,
  "notifications.registrations_per_minute": 10_000,
  "notifications.allow_private_relays": true,
  "notifications.periodic_check_interval": "100ms",
  "admin.port": 0,
}

const STOP_WITHIN = 5000

/** A notification server in this process on a free port, whose folder goes away with it. */
export class TestNotifications implements AsyncDisposable {
  readonly folder: string
  readonly log: RecordingLog = recordingLog()
  /** Gets its pushes over HTTPS. Stays the same over restarts. */
  readonly push: PushService
  readonly #options: TestNotificationsOptions
  readonly #connections = new Set<NtfConnection>()
  #running: { readonly server: NotificationsServer; readonly store: NtfStore } | undefined

  private constructor(folder: string, push: PushService, options: TestNotificationsOptions) {
    this.folder = folder
    this.push = push
    this.#options = options
  }

  static async start(options: TestNotificationsOptions = {}): Promise<TestNotifications> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-ntf-"))
    const files = identityFiles(join(folder, "notifications-identity"))
    await createIdentity(nativeCrypto, files, { host: "localhost", now: Math.floor(Date.now() / 1000) })
    const { push = "APNs" } = options
    const service = typeof push === "string" ? await startPushService(push) : push
    const notifications = new TestNotifications(folder, service, options)
    await notifications.start()
    return notifications
  }

  get server(): NotificationsServer {
    if (this.#running === undefined) throw new Error("the notification server is stopped")
    return this.#running.server
  }

  get store(): NtfStore {
    if (this.#running === undefined) throw new Error("the notification server is stopped")
    return this.#running.store
  }

  get address(): Server {
    const { addresses, fingerprint } = this.server
    return { hosts: ["127.0.0.1"], port: String(addresses[0]?.port ?? 0), keyHash: fingerprint }
  }

  async start(settings: Settings = {}): Promise<void> {
    const ofPush = await this.push.settingsIn(this.folder)
    const overrides = { ...NTF_SETTINGS, ...ofPush, ...this.#options.settings, ...settings }
    const config: NotificationsConfig = loadConfig(notificationsSettings, { overrides })
    const store =
      this.#options.store === "memory"
        ? createMemoryStore()
        : await openEmbeddedStore({ folder: join(this.folder, "notifications-store") })
    const providers = await configuredProviders(config, this.folder)
    const server = await createNotificationsServer(config, {
      ...{ log: this.log, dataFolder: this.folder, store, providers },
    })
    await server.start()
    this.#running = { server, store }
  }

  /** @param within milliseconds after which it gives up what is under way */
  async stop(within: number = STOP_WITHIN): Promise<void> {
    await this.#running?.server.stop(AbortSignal.timeout(within))
    this.#running = undefined
  }

  /** Stops it and starts it where it was. */
  async restart(): Promise<void> {
    const port = Number(this.address.port)
    await this.stop()
    await this.start({ "notifications.port": port })
  }

  async connect(options: NtfConnectOptions = {}): Promise<NtfConnection> {
    const connection = await connectNtf(this.address, options)
    this.#connections.add(connection)
    return connection
  }

  /** What it says at `/metrics`. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.server.adminAddress.port}/metrics`)).text()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) await connection.close()
    await this.stop()
    // One that came from outside is for others, too.
    if (typeof this.#options.push !== "object") await this.push[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** A device token of the service that stands in for APNs. */
export function testToken(text = "abcd"): DeviceToken {
  return { provider: "AT", token: utf8(text) }
}

/** A queue that a device is notified of. */
export interface NotifiedQueue {
  readonly queue: CreatedQueue
  readonly notifier: CreatedNotifier
  /** The subscription at the notification server. */
  readonly subscriptionId: Uint8Array
}

/** A registration as its device keeps it. */
export class TestDevice {
  readonly connection: NtfConnection
  readonly keys: RegistrationKeys
  readonly registered: RegisteredToken

  private constructor(connection: NtfConnection, keys: RegistrationKeys, registered: RegisteredToken) {
    this.connection = connection
    this.keys = keys
    this.registered = registered
  }

  static async register(connection: NtfConnection, token: DeviceToken = testToken()): Promise<TestDevice> {
    const keys = connection.registrationKeys()
    return new TestDevice(connection, keys, await connection.registerToken(token, keys))
  }

  /** Registers, takes the verification push and gives the code back. */
  static async verified(connection: NtfConnection, push: PushService, name = "abcd"): Promise<TestDevice> {
    const device = await TestDevice.register(connection, push.token(name))
    await connection.verifyToken(device.access, device.code(await push.next()))
    return device
  }

  get access(): TokenAccess {
    return { tokenId: this.registered.tokenId, key: this.keys.authKeys.privateKey }
  }

  /** The same registration over another connection. */
  on(connection: NtfConnection): TestDevice {
    return new TestDevice(connection, this.keys, this.registered)
  }

  /** A new queue at the relay that `client` is connected to; resolves when the relay notifies the server of it. */
  async notified(client: SmpClient, server: Server): Promise<NotifiedQueue> {
    const queue = await client.createQueue({ subscribe: false, notifier: true })
    const { notifier } = queue
    if (notifier === undefined) throw new Error("the relay made no notifier")
    const { notifierId, notifierKey } = notifier
    const subscriptionId = await this.connection.subscribe(this.access, { queue: { server, notifierId }, notifierKey })
    await eventually(async () => (await this.subscription(subscriptionId)) === "ACTIVE")
    return { queue, notifier, subscriptionId }
  }

  /** What the server says of a subscription. */
  async subscription(id: Uint8Array): Promise<SubscriptionStatus["type"]> {
    return (await this.connection.checkSubscription(id, this.access.key)).type
  }

  /** The code of a verification push. */
  code(push: ArrivedPush): Uint8Array {
    if (push.kind !== "verification") throw new Error(`a ${push.kind} push came instead of a verification`)
    return this.#open(push)
  }

  /** The list of a message push. */
  list(push: ArrivedPush): MessageEntry[] {
    if (push.kind !== "message") throw new Error(`a ${push.kind} push came instead of a message`)
    return decodeMessageList(this.#open(push))
  }

  #open({ content }: ArrivedPush): Uint8Array {
    const opened = content && openPush({ crypto: nativeCrypto, secret: this.registered.secret }, content)
    if (opened === undefined) throw new Error("a push that does not open")
    return opened
  }
}

/** Waits until `holds`, looking again every few milliseconds; fails after 10 s. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error("it did not happen within 10 s")
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
