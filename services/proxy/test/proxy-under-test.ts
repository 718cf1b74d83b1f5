import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { loadConfig } from "@sluice/ops/config"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import { createIdentity, type IdentityFiles, identityFiles } from "@sluice/transport/certificates"
import { proxyServerSettings } from "../src/config.ts"
import { createProxyServer, type ProxyServer } from "../src/proxy-server.ts"

const REQUEST = { host: "localhost", now: Math.floor(Date.now() / 1000) }

/** A new data folder with an identity for one server. */
export class DataFolder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "sluice-proxy-"))
  readonly identity: IdentityFiles = identityFiles(join(this.path, "identity"))

  static async create(): Promise<DataFolder> {
    const folder = new DataFolder()
    await createIdentity(nativeCrypto, folder.identity, REQUEST)
    return folder
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** A proxy on free loopback ports that connects to loopback relays. */
export class ProxyUnderTest implements AsyncDisposable {
  readonly server: ProxyServer
  readonly folder: DataFolder
  readonly log: RecordingLog

  private constructor(server: ProxyServer, folder: DataFolder, log: RecordingLog) {
    this.server = server
    this.folder = folder
    this.log = log
  }

  static async start(
    overrides: Readonly<Record<string, unknown>> = {},
    clock: Clock = systemClock,
  ): Promise<ProxyUnderTest> {
    const folder = await DataFolder.create()
    const log = recordingLog()
    const config = loadConfig(proxyServerSettings, { overrides: { ...LOOPBACK, ...overrides } })
    const server = await createProxyServer(config, { log, dataFolder: folder.path, clock })
    await server.start()
    return new ProxyUnderTest(server, folder, log)
  }

  get address(): ServerAddress {
    const [listener] = this.server.addresses
    if (listener === undefined) throw new Error("not listening")
    return { scheme: "smp", keyHash: this.server.fingerprint, hosts: [listener.host], port: String(listener.port) }
  }

  /** Body and status of a page for operators. */
  async page(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const { host = "127.0.0.1", port } = this.server.adminAddress
    const response = await fetch(`http://${host}:${port}${path}`)
    return { status: response.status, body: await response.text() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    this.folder[Symbol.dispose]()
  }
}

const LOOPBACK = {
  "proxy_server.bind": ["127.0.0.1"],
  "proxy_server.port": 0,
  "proxy.allow_private": true,
  "admin.port": 0,
}
