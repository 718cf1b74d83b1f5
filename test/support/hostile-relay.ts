import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { loadConfig } from "@sluice/ops/config"
import type { Log } from "@sluice/ops/log"
import { Metrics } from "@sluice/ops/metrics"
import { silentLog } from "@sluice/ops/recording-log"
import { relaySettings } from "@sluice/relay/config"
import { createRelay, type Relay } from "@sluice/relay/relay"
import { connect } from "@sluice/smp-client/connect"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"

/** Settings with which connections that are not set up are soon closed: a test need not wait long for that. */
export const HASTY = { "limits.tls_timeout": "700ms", "limits.handshake_timeout": "700ms" } as const

/** A whole relay in this process, on a memory store, that is asked how it bears what a test does to it. */
export class TestedRelay implements AsyncDisposable {
  readonly relay: Relay
  readonly #metrics: Metrics
  readonly #errors: readonly string[]
  readonly #folder: string

  private constructor(relay: Relay, metrics: Metrics, errors: readonly string[], folder: string) {
    this.relay = relay
    this.#metrics = metrics
    this.#errors = errors
    this.#folder = folder
  }

  /** Starts on a free port of the loopback interface; `overrides` are settings by key. */
  static async start(overrides: Readonly<Record<string, unknown>> = {}): Promise<TestedRelay> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-hostile-"))
    const now = Math.floor(Date.now() / 1000)
    await createIdentity(nativeCrypto, identityFiles(join(folder, "identity")), { host: "localhost", now })
    const local = { "relay.bind": ["127.0.0.1"], "relay.port": 0, "admin.port": 0, "store.kind": "memory" }
    const config = loadConfig(relaySettings, { overrides: { ...local, ...overrides } })
    const errors: string[] = []
    const metrics = new Metrics()
    const relay = await createRelay(config, { log: errorLog(errors), dataFolder: folder, metrics })
    await relay.start(new AbortController().signal)
    return new TestedRelay(relay, metrics, errors, folder)
  }

  get port(): number {
    return this.relay.addresses[0]?.port ?? 0
  }

  get address(): ServerAddress {
    return { scheme: "smp", keyHash: this.relay.fingerprint, hosts: ["127.0.0.1"], port: String(this.port) }
  }

  /** Everything that must not happen: errors in the log, defects and lost connections in the metrics. */
  async problems(): Promise<readonly string[]> {
    const wrong = ["sluice_session_defects_total", "sluice_connections_leaked", "sluice_metrics_collect_errors_total"]
    const lines = (await this.#metrics.render()).split("\n")
    const counted = lines.filter((line) => wrong.some((name) => line.startsWith(`${name} `)) && !line.endsWith(" 0"))
    return [...this.#errors, ...counted]
  }

  /** Resolves when no connection is left, in whatever state: closing takes the server a moment longer than its clients. */
  async idle(): Promise<void> {
    const busy = /^sluice_connections\{.*\} (?!0$)/m
    while (busy.test(await this.#metrics.render())) await setTimeout(5)
  }

  /** A message from an honest sender to an honest recipient, each with a new connection. Throws if anything fails. */
  async serves(): Promise<void> {
    await using recipient = await connect(this.address, { patience: "interactive" })
    await using sender = await connect(this.address, { patience: "interactive" })
    const queue = await recipient.createQueue()
    const keys = nativeCrypto.generateKeyPair("ed25519")
    await sender.secureAsSender({ senderId: queue.senderId }, keys)
    const message = recipient.events.once("message")
    await sender.sendMessage({ senderId: queue.senderId, senderKey: keys.privateKey }, utf8("still there?"))
    const { msgId } = await message
    if ((await recipient.acknowledge(queue, msgId)) !== undefined) throw new Error("a second message")
    await recipient.deleteQueue(queue)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** A log that keeps its errors and nothing else, as it must not grow with the number of connections. */
function errorLog(errors: string[]): Log {
  const log: Log = {
    ...silentLog,
    error: (message, fields) => void errors.push(`${message} ${JSON.stringify(fields, plainError)}`),
    child: () => log,
  }
  return log
}

function plainError(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.stack : value
}
