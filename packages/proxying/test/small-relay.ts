import { setImmediate } from "node:timers/promises"
import { nativeCrypto as crypto } from "@sluice/crypto/native"
import type { ServerAddress } from "@sluice/encoding/server-address"
import type { VersionRange } from "@sluice/encoding/version"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { Metrics } from "@sluice/ops/metrics"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { Credentials } from "@sluice/transport/credentials"
import { CREDENTIALS, type FakeConnection, FakeServer } from "../../smp-client/test/fake-server.ts"
import { createMessageProxy } from "../src/create-proxy.ts"
import type { MessageProxy } from "../src/message-proxy.ts"
import { createProxyMetrics, type ProxyMetrics } from "../src/metrics.ts"
import { type ForwardedExecutor, runForwarded } from "../src/run-forwarded.ts"
import { defaultRouting, type RoutingConfig } from "../src/settings.ts"
import { SmallQueues } from "./small-queues.ts"

/** How a {@link SmallRelay} differs from one that does everything. */
export interface SmallRelayOptions {
  readonly range?: VersionRange | undefined
  readonly credentials?: Credentials | undefined
  readonly port?: number | undefined
  readonly queues?: SmallQueues | undefined
  /** Of the proxy; servers in tests are on loopback addresses, so those are allowed unless this says otherwise. */
  readonly routing?: Partial<RoutingConfig> | undefined
  readonly enabled?: boolean | undefined
  readonly password?: string | undefined
  readonly clock?: Clock | undefined
  /** Keeps forwarded commands unanswered. */
  readonly deaf?: boolean | undefined
}

/** A relay on a loopback port with both sides of private routing, over real TLS, on top of a few simple queues. */
export class SmallRelay implements AsyncDisposable {
  readonly queues: SmallQueues
  readonly proxy: MessageProxy
  readonly metrics: ProxyMetrics
  /** Forwarded commands that were run here. */
  forwarded = 0
  readonly #deaf: boolean
  readonly #known = new WeakSet<FakeConnection>()
  #server: FakeServer | undefined

  private constructor(options: SmallRelayOptions) {
    const { enabled = true, password, routing, clock = systemClock } = options
    this.queues = options.queues ?? new SmallQueues()
    this.#deaf = options.deaf === true
    this.metrics = createProxyMetrics(new Metrics().register)
    this.proxy = createMessageProxy(
      { enabled, password, routing: { ...defaultRouting, allowPrivate: true, ...routing } },
      { crypto, clock, metrics: this.metrics },
    )
  }

  static async start(options: SmallRelayOptions = {}): Promise<SmallRelay> {
    const relay = new SmallRelay(options)
    const { range, credentials = CREDENTIALS, port } = options
    const respond = (command: ReceivedCommand, connection: FakeConnection): undefined => {
      relay.#handle(command, connection)
    }
    relay.#server = await FakeServer.start({ respond, credentials, ...(range && { range }) }, port)
    return relay
  }

  get address(): ServerAddress {
    return this.server.address
  }

  get server(): FakeServer {
    if (this.#server === undefined) throw new Error("not started")
    return this.#server
  }

  async close(): Promise<void> {
    await this.proxy.stop()
    await this.server.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #handle(received: ReceivedCommand, connection: FakeConnection): void {
    this.#watch(connection)
    void this.#answer(received, connection).then((answer) => {
      if (answer !== undefined && !connection.closed) connection.reply(received, answer)
    })
  }

  async #answer(received: ReceivedCommand, connection: FakeConnection): Promise<BrokerMessage | undefined> {
    const { command, corrId, entityId } = received
    const { session } = connection
    switch (command.tag) {
      case "PRXY":
      case "PFWD":
        return this.proxy.run(connection, { corrId, entityId, command })
      case "RFWD": {
        if (this.#deaf) return undefined
        const executor: ForwardedExecutor = {
          execute: (inside, version) => this.queues.execute(connection, inside, version),
          forwarded: () => this.forwarded++,
        }
        const { sessionId, sessionSecret, sessionKey } = session
        const hop = { sessionId, sessionSecret, sessionKey: sessionKey?.privateKey }
        return runForwarded(crypto, hop, { corrId, request: command.request }, executor)
      }
      default:
        return this.queues.execute(connection, received, session.version)
    }
  }

  #watch(connection: FakeConnection): void {
    if (this.#known.has(connection)) return
    this.#known.add(connection)
    void connection.until(() => connection.closed).then(() => this.proxy.closed(connection))
  }
}

/** Waits, turn by turn of the event loop, until `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate()
}
