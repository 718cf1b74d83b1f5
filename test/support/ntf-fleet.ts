import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { type NotificationsConfig, notificationsSettings } from "@sluice/notifications/config"
import { createNotificationsServer, type NotificationsServer } from "@sluice/notifications/notifications-server"
import { configuredProviders } from "@sluice/notifications/push/configured-providers"
import { connectNtf } from "@sluice/ntf-client/connect"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import { loadConfig } from "@sluice/ops/config"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { NTF_SETTINGS } from "./notifications.ts"
import { type PushService, type Settings, startPushService } from "./push-service.ts"

/** Settings of every node, on top of those of the store. */
const SETTINGS: Settings = {
  ...NTF_SETTINGS,
  "notifications.store": "redis",
  "notifications.lease": "2s",
  "redis.durability": "memory",
}

export interface FleetNode {
  readonly server: NotificationsServer
  readonly log: RecordingLog
}

/** Notification servers of one identity in this process, which share a Redis and push to one service. */
export class NtfFleet implements AsyncDisposable {
  readonly nodes: FleetNode[] = []
  readonly push: PushService
  readonly #folder: string
  readonly #settings: Settings
  readonly #connections = new Set<NtfConnection>()

  private constructor(folder: string, push: PushService, settings: Settings) {
    this.#folder = folder
    this.push = push
    this.#settings = settings
  }

  static async start(count: number, settings: Settings): Promise<NtfFleet> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-ntf-fleet-"))
    const files = identityFiles(join(folder, "notifications-identity"))
    await createIdentity(nativeCrypto, files, { host: "localhost", now: Math.floor(Date.now() / 1000) })
    const push = await startPushService("APNs")
    const fleet = new NtfFleet(folder, push, { ...(await push.settingsIn(folder)), ...settings })
    for (let i = 0; i < count; i++) await fleet.add()
    return fleet
  }

  async add(): Promise<FleetNode> {
    const config: NotificationsConfig = loadConfig(notificationsSettings, {
      overrides: { ...SETTINGS, ...this.#settings },
    })
    const log = recordingLog()
    const providers = await configuredProviders(config, this.#folder)
    const server = await createNotificationsServer(config, { log, dataFolder: this.#folder, providers })
    await server.start()
    const node = { server, log }
    this.nodes.push(node)
    return node
  }

  async connect({ server }: FleetNode): Promise<NtfConnection> {
    const { addresses, fingerprint } = server
    const address = { hosts: ["127.0.0.1"], port: String(addresses[0]?.port ?? 0), keyHash: fingerprint }
    const connection = await connectNtf(address, {})
    this.#connections.add(connection)
    return connection
  }

  async remove(node: FleetNode): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1)
    await node.server.stop(AbortSignal.timeout(5000))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) await connection.close()
    await Promise.all(this.nodes.map(({ server }) => server.stop(AbortSignal.timeout(5000))))
    await this.push[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
