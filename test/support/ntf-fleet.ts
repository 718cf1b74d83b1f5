import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { type NotificationsConfig, notificationsSettings } from "@sluice/notifications/config"
import { createNotificationsServer, type NotificationsServer } from "@sluice/notifications/notifications-server"
import { connectNtf } from "@sluice/ntf-client/connect"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import type { PushTag } from "@sluice/ntf-protocol/device-token"
import { loadConfig } from "@sluice/ops/config"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import { MemoryProvider } from "@sluice/push/memory-provider"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"

/** Settings of every node, on top of those of the store. */
const SETTINGS: Readonly<Record<string, unknown>> = {
  "notifications.bind": ["127.0.0.1"],
  "notifications.port": 0,
  "notifications.test_tokens": true,
  "notifications.registrations_per_minute": 10_000,
  "notifications.allow_private_relays": true,
  "notifications.periodic_check_interval": "100ms",
  "notifications.store": "redis",
  "notifications.lease": "2s",
  "redis.durability": "memory",
  "admin.port": 0,
}

/** One push service whose connections from each node are counted apart. */
export interface FleetNode {
  readonly server: NotificationsServer
  readonly log: RecordingLog
  readonly push: MemoryProvider
}

/** Notification servers of one identity in this process, which share a Redis. */
export class NtfFleet implements AsyncDisposable {
  readonly nodes: FleetNode[] = []
  readonly #folder: string
  readonly #settings: Readonly<Record<string, unknown>>
  readonly #connections = new Set<NtfConnection>()

  private constructor(folder: string, settings: Readonly<Record<string, unknown>>) {
    this.#folder = folder
    this.#settings = settings
  }

  static async start(count: number, settings: Readonly<Record<string, unknown>>): Promise<NtfFleet> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-ntf-fleet-"))
    const files = identityFiles(join(folder, "notifications-identity"))
    await createIdentity(nativeCrypto, files, { host: "localhost", now: Math.floor(Date.now() / 1000) })
    const fleet = new NtfFleet(folder, settings)
    for (let i = 0; i < count; i++) await fleet.add()
    return fleet
  }

  async add(): Promise<FleetNode> {
    const config: NotificationsConfig = loadConfig(notificationsSettings, {
      overrides: { ...SETTINGS, ...this.#settings },
    })
    const log = recordingLog()
    const push = new MemoryProvider()
    const providers = new Map<PushTag, MemoryProvider>([["AT", push]])
    const server = await createNotificationsServer(config, { log, dataFolder: this.#folder, providers })
    await server.start()
    const node = { server, log, push }
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
    await rm(this.#folder, { recursive: true, force: true })
  }
}
