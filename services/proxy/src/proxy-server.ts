import { join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { type AdminServer, createAdminServer } from "@sluice/ops/admin-server"
import { type Bind, bindOf } from "@sluice/ops/bind"
import { type Clock, systemClock } from "@sluice/ops/clock"
import type { FileReload } from "@sluice/ops/file-reload"
import type { JobRunner } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import { Metrics } from "@sluice/ops/metrics"
import { registerProcessMetrics } from "@sluice/ops/process-metrics"
import { Readiness } from "@sluice/ops/readiness"
import type { Service } from "@sluice/ops/service"
import { timerJobs } from "@sluice/ops/timer-jobs"
import { createMessageProxy } from "@sluice/proxying/create-proxy"
import type { MessageProxy } from "@sluice/proxying/message-proxy"
import { createProxyMetrics, type ProxyMetrics } from "@sluice/proxying/metrics"
import { createBlockServer } from "@sluice/server-kit/block-server"
import { identityReload } from "@sluice/server-kit/identity-reload"
import type { BlockServer, ListenAddress } from "@sluice/server-kit/server"
import { loadServerIdentity, warnBeforeExpiry } from "@sluice/server-kit/server-identity"
import { createServerMetrics } from "@sluice/server-kit/server-metrics"
import { smpProtocol } from "@sluice/server-kit/smp"
import { secondsLeft } from "@sluice/transport/certificates"
import type { Credentials } from "@sluice/transport/credentials"
import type { ProxyServerConfig } from "./config.ts"
import { ProxySession, refuseForwarded, type SessionShared } from "./session.ts"

/** What a proxy is started with; everything but log and data folder has a default, which tests replace. */
export interface ProxyServerParts {
  readonly log: Log
  /** The configuration's paths are relative to it. */
  readonly dataFolder: string
  readonly version?: string
  readonly crypto?: CryptoBackend
  readonly clock?: Clock
  readonly random?: () => number
  /** Given by a program that registers its process's metrics itself. */
  readonly metrics?: Metrics
  readonly readiness?: Readiness
}

/** A proxy that was put together. `start` and `stop` are those of the ops package's `Service`. */
export interface ProxyServer extends Service, AsyncDisposable {
  start(signal?: AbortSignal): Promise<void>
  stop(deadline?: AbortSignal): Promise<void>
  reload(): Promise<void>
  /** Where it listens for SMP, with the real ports. Empty before `start`. */
  readonly addresses: readonly ListenAddress[]
  /** Where it serves metrics and health, with the real port. Throws before `start`. */
  readonly adminAddress: Bind
  /** Fingerprint of its identity, 32 bytes: the key hash in its address. */
  readonly fingerprint: Uint8Array
  readonly readiness: Readiness
  readonly metrics: ProxyMetrics
}

const DAY = 86_400

/** Loads the certificates and puts everything together. Listens only with `start`. */
export async function createProxyServer(config: ProxyServerConfig, parts: ProxyServerParts): Promise<ProxyServer> {
  return new AssembledProxy(config, parts, await loadIdentity(config, parts))
}

class AssembledProxy implements ProxyServer {
  readonly readiness: Readiness
  readonly metrics: ProxyMetrics
  readonly #parts: ProxyServerParts
  readonly #proxy: MessageProxy
  readonly #server: BlockServer
  readonly #jobs: JobRunner
  readonly #admin: AdminServer
  readonly #identity: FileReload<Credentials>
  #stopped: Promise<void> | undefined

  constructor(config: ProxyServerConfig, parts: ProxyServerParts, credentials: Credentials) {
    const { log, clock = systemClock, crypto = nativeCrypto, random = Math.random } = parts
    this.#parts = parts
    this.readiness = parts.readiness ?? new Readiness(clock)
    const metrics = parts.metrics ?? new Metrics()
    const { register } = metrics
    if (parts.metrics === undefined) registerProcessMetrics(metrics, { version: parts.version ?? "unknown" })
    register.gaugeFrom(
      { name: "sluice_certificate_seconds_left", help: "Time until the first certificate of the chain expires" },
      () => secondsLeft(this.#identity.present, clock.now() / 1000),
    )
    const forwarded = register.counter({
      name: "simplex_smp_relay_messages_received",
      help: "Forwarded commands received from proxies",
    })
    this.metrics = createProxyMetrics(register)

    const { proxyServer, proxy: routing, limits } = config
    this.#proxy = createMessageProxy(
      { enabled: routing.enabled, password: proxyServer.password?.reveal(), routing },
      { crypto, clock, metrics: this.metrics },
    )
    const shared: SessionShared = {
      crypto,
      proxy: this.#proxy,
      executor: refuseForwarded(() => forwarded.value++),
    }
    this.#identity = identityReload(
      {
        setting: "proxy_server.identity",
        folder: join(parts.dataFolder, config.proxyServer.identity),
        present: credentials,
        use: (loaded) => this.#server.useCredentials(loaded),
      },
      { crypto, clock, log, register },
    )
    this.#server = createBlockServer(
      {
        listen: proxyServer.bind.map((address) => bindOf(address, proxyServer.port)),
        credentials,
        protocol: smpProtocol({ crypto, range: { min: proxyServer.minVersion, max: proxyServer.maxVersion } }),
        sessions: (session) => new ProxySession(shared, session),
        // All slow commands are the proxy's, and for those there is a setting of its own.
        settings: { ...limits, maxSlowCommands: routing.clientConcurrency },
      },
      { crypto, clock, log: log.child("server"), metrics: createServerMetrics(register) },
    )
    this.#jobs = timerJobs({}, { clock, log: log.child("jobs"), register, random })
    this.#jobs.add({ name: "certificate-dates", every: DAY * 1000, firstAfter: 0, run: () => this.#checkCertificate() })
    this.#admin = createAdminServer(config.admin, { metrics, readiness: this.readiness, log: log.child("admin") })
  }

  get addresses(): readonly ListenAddress[] {
    return this.#server.addresses
  }

  get adminAddress(): Bind {
    return this.#admin.address
  }

  get fingerprint(): Uint8Array {
    return this.#identity.present.fingerprint
  }

  async start(signal: AbortSignal = NEVER): Promise<void> {
    try {
      await this.#admin.listen()
      await this.#server.start(signal)
      await this.#jobs.start()
      await this.#identity.start()
    } catch (error) {
      await this.stop(AbortSignal.abort())
      throw error
    }
    this.readiness.started()
    this.#parts.log.info("proxy is serving", { port: this.addresses[0]?.port })
  }

  stop(deadline: AbortSignal = NEVER): Promise<void> {
    this.readiness.drain()
    this.#stopped ??= this.#stop(deadline)
    return this.#stopped
  }

  reload(): Promise<void> {
    return this.#identity.reload()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(AbortSignal.abort())
  }

  /** Clients first: what they have asked for still needs the connections to relays. */
  async #stop(deadline: AbortSignal): Promise<void> {
    this.#identity.stop()
    await this.#server.stop(deadline)
    await this.#proxy.stop()
    await this.#jobs.stop()
    await this.#admin.close()
  }

  #checkCertificate(): Promise<void> {
    const { clock = systemClock, log } = this.#parts
    warnBeforeExpiry(this.#identity.present, clock, log)
    return Promise.resolve()
  }
}

const NEVER: AbortSignal = new AbortController().signal

function loadIdentity({ proxyServer }: ProxyServerConfig, parts: ProxyServerParts): Promise<Credentials> {
  const { dataFolder, crypto = nativeCrypto, clock = systemClock } = parts
  return loadServerIdentity("proxy_server.identity", join(dataFolder, proxyServer.identity), { crypto, clock })
}
