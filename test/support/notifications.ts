import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import { type NotificationsConfig, notificationsSettings } from "@sluice/notifications/config"
import { createNotificationsServer, type NotificationsServer } from "@sluice/notifications/notifications-server"
import type { NtfStore } from "@sluice/notifications/store/ntf-store"
import { createMemoryStore, openEmbeddedStore } from "@sluice/notifications/store/table-store"
import { connectNtf, type NtfConnectOptions } from "@sluice/ntf-client/connect"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import type { RegisteredToken, RegistrationKeys, TokenAccess } from "@sluice/ntf-client/ntf-commands"
import type { DeviceToken, PushTag } from "@sluice/ntf-protocol/device-token"
import { decodeMessageList, type MessageEntry } from "@sluice/ntf-protocol/message-list"
import { openPush } from "@sluice/ntf-protocol/push-content"
import { loadConfig } from "@sluice/ops/config"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import { type DeliveredPush, MemoryProvider } from "@sluice/push/memory-provider"
import type { PushProvider } from "@sluice/push/provider"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"

/** How a {@link TestNotifications} differs from the usual one. */
export interface TestNotificationsOptions {
  /** Settings by key, on top of {@link SETTINGS}. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Default `lmdb`, in a folder of its own. */
  readonly store?: "lmdb" | "memory"
  /** Push services by tag; default one in memory for `AT`. */
  readonly providers?: ReadonlyMap<PushTag, PushProvider>
}

/** What notifications.md §9 runs its cases with. */
const SETTINGS: Readonly<Record<string, unknown>> = {
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
  /** The push service of the tag `AT`. It is another one after each start. */
  push: MemoryProvider = new MemoryProvider()
  readonly #options: TestNotificationsOptions
  readonly #connections = new Set<NtfConnection>()
  #running: { readonly server: NotificationsServer; readonly store: NtfStore } | undefined

  private constructor(folder: string, options: TestNotificationsOptions) {
    this.folder = folder
    this.#options = options
  }

  static async start(options: TestNotificationsOptions = {}): Promise<TestNotifications> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-ntf-"))
    const files = identityFiles(join(folder, "notifications-identity"))
    await createIdentity(nativeCrypto, files, { host: "localhost", now: Math.floor(Date.now() / 1000) })
    const notifications = new TestNotifications(folder, options)
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

  async start(settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const overrides = { ...SETTINGS, ...this.#options.settings, ...settings }
    const config: NotificationsConfig = loadConfig(notificationsSettings, { overrides })
    const store =
      this.#options.store === "memory"
        ? createMemoryStore()
        : await openEmbeddedStore({ folder: join(this.folder, "notifications-store") })
    this.push = new MemoryProvider()
    const providers = this.#options.providers ?? new Map<PushTag, PushProvider>([["AT", this.push]])
    const server = await createNotificationsServer(config, {
      ...{ log: this.log, dataFolder: this.folder, store, providers },
    })
    await server.start()
    this.#running = { server, store }
  }

  async stop(): Promise<void> {
    await this.#running?.server.stop(AbortSignal.timeout(STOP_WITHIN))
    this.#running = undefined
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
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** A device token of the test service. */
export function testToken(text = "abcd"): DeviceToken {
  return { provider: "AT", token: utf8(text) }
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
  static async verified(
    connection: NtfConnection,
    push: MemoryProvider,
    token: DeviceToken = testToken(),
  ): Promise<TestDevice> {
    const device = await TestDevice.register(connection, token)
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

  /** The code of a verification push. */
  code(push: DeliveredPush): Uint8Array {
    if (push.kind !== "verification") throw new Error(`a ${push.kind} push came instead of a verification`)
    return this.#open(push)
  }

  /** The list of a message push. */
  list(push: DeliveredPush): MessageEntry[] {
    if (push.kind !== "message") throw new Error(`a ${push.kind} push came instead of a message`)
    return decodeMessageList(this.#open(push))
  }

  #open({ content }: DeliveredPush): Uint8Array {
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
