import { randomUUID } from "node:crypto"
import { join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { createAdminServer } from "@sluice/ops/admin-server"
import { bindOf } from "@sluice/ops/bind"
import { type Clock, systemClock } from "@sluice/ops/clock"
import type { JobRunner } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import { Metrics } from "@sluice/ops/metrics"
import { OperatorError } from "@sluice/ops/operator-error"
import { registerProcessMetrics } from "@sluice/ops/process-metrics"
import { Readiness } from "@sluice/ops/readiness"
import type { Service } from "@sluice/ops/service"
import { timerJobs } from "@sluice/ops/timer-jobs"
import type { StoreCounts } from "@sluice/queue-store/queue-store"
import { createBlockServer } from "@sluice/server-kit/block-server"
import type { BlockServer, ListenAddress } from "@sluice/server-kit/server"
import { createServerMetrics } from "@sluice/server-kit/server-metrics"
import { smpProtocol } from "@sluice/server-kit/smp"
import { CertificateError } from "@sluice/transport/certificate-error"
import { identityFiles, loadCredentials, secondsLeft } from "@sluice/transport/certificates"
import type { Credentials } from "@sluice/transport/credentials"
import { policyOf, type RelayConfig } from "./config.ts"
import type { RelayContext } from "./context.ts"
import { expireMessages, expiryJobs } from "./expiry.ts"
import { NO_COUNTS, registerRelayMetrics } from "./metrics.ts"
import { type OpenStore, openStore } from "./open-store.ts"
import { createRelayCore } from "./relay-core.ts"
import { serviceLookup } from "./service-lookup.ts"
import { RelaySession } from "./session.ts"
import type { Statistics } from "./statistics.ts"

/** What a relay is started with; everything but the log has a default, which tests replace. */
export interface RelayParts {
  readonly log: Log
  /** Folder of everything that is written; the configuration's paths are relative to it. */
  readonly dataFolder: string
  readonly version?: string
  readonly crypto?: CryptoBackend
  readonly clock?: Clock
  readonly random?: () => number
  readonly metrics?: Metrics
  readonly readiness?: Readiness
  readonly store?: OpenStore
}

/** A relay that was put together. `start` and `stop` are those of the ops package's `Service`. */
export interface Relay extends Service, AsyncDisposable {
  /** Where it listens for SMP, with the real ports. Empty before `start`. */
  readonly addresses: readonly ListenAddress[]
  /** Where it serves metrics and health, with the real port. Throws before `start`. */
  readonly adminAddress: { readonly host: string | undefined; readonly port: number }
  /** Fingerprint of its identity, 32 bytes: the key hash in its address. */
  readonly fingerprint: Uint8Array
  readonly readiness: Readiness
  readonly statistics: Statistics
  /** Open connections. */
  readonly connections: number
  /** Numbers of stored queues and messages, at most a few seconds old. */
  readonly counts: StoreCounts
}

const CERTIFICATE_WARNING_DAYS = 30
const DAY = 86_400
const COUNTS_EVERY = 5_000

/** Opens the store, loads the certificates and puts everything together. Listens only with `start`. */
export async function createRelay(config: RelayConfig, parts: RelayParts): Promise<Relay> {
  const crypto = parts.crypto ?? nativeCrypto
  const credentials = await loadIdentity(config, parts.dataFolder, crypto, parts.clock ?? systemClock)
  const store = parts.store ?? (await openStore(config, parts.dataFolder, crypto))
  return new AssembledRelay(config, parts, credentials, store)
}

class AssembledRelay implements Relay {
  readonly #config: RelayConfig
  readonly #parts: RelayParts
  readonly #store: OpenStore
  readonly #core: RelayContext
  readonly #server: BlockServer
  readonly #jobs: JobRunner
  readonly #admin: ReturnType<typeof createAdminServer>
  readonly readiness: Readiness
  #credentials: Credentials
  #counts = NO_COUNTS
  #storeWorks = true
  #stopped: Promise<void> | undefined

  constructor(config: RelayConfig, parts: RelayParts, credentials: Credentials, store: OpenStore) {
    const { log, clock = systemClock, crypto = nativeCrypto, random = Math.random } = parts
    this.#config = config
    this.#parts = parts
    this.#credentials = credentials
    this.#store = store
    const metrics = parts.metrics ?? new Metrics()
    this.readiness = parts.readiness ?? new Readiness(clock)
    this.#core = createRelayCore({
      policy: policyOf(config),
      store: store.store,
      crypto,
      clock,
      log,
      node: randomUUID(),
      onStoreFailure: () => {
        this.#storeWorks = false
      },
    })
    const { register } = metrics
    registerRelayMetrics(register, { ...this.#core, counts: () => this.#counts })
    register.gaugeFrom(
      { name: "sluice_certificate_seconds_left", help: "Time until the first certificate of the chain expires" },
      () => secondsLeft(this.#credentials, clock.now() / 1000),
    )
    if (parts.metrics === undefined) registerProcessMetrics(metrics, { version: parts.version ?? "unknown" })
    this.#server = createBlockServer(
      {
        listen: config.relay.bind.map((address) => bindOf(address, config.relay.port)),
        credentials,
        protocol: smpProtocol({
          crypto,
          range: this.#core.policy.versions,
          lookUpService: serviceLookup(store.store, crypto, clock),
        }),
        sessions: (session) => new RelaySession(this.#core, session),
        settings: config.limits,
      },
      { crypto, clock, log: log.child("server"), metrics: createServerMetrics(register) },
    )
    this.#jobs = timerJobs({}, { clock, log: log.child("jobs"), register, random })
    for (const job of expiryJobs(this.#core)) this.#jobs.add(job)
    this.#jobs.add({ name: "store-counts", every: COUNTS_EVERY, firstAfter: 0, run: () => this.#readCounts() })
    this.#jobs.add({ name: "certificate-dates", every: DAY * 1000, firstAfter: 0, run: () => this.#checkCertificate() })
    this.readiness.add("store", () => this.#storeAnswers())
    this.#admin = createAdminServer(config.admin, { metrics, readiness: this.readiness, log: log.child("admin") })
  }

  get addresses(): readonly ListenAddress[] {
    return this.#server.addresses
  }

  get adminAddress(): { readonly host: string | undefined; readonly port: number } {
    return this.#admin.address
  }

  get fingerprint(): Uint8Array {
    return this.#credentials.fingerprint
  }

  get statistics(): Statistics {
    return this.#core.statistics
  }

  get connections(): number {
    return this.#core.clients.size
  }

  get counts(): StoreCounts {
    return this.#counts
  }

  async start(signal: AbortSignal = NEVER): Promise<void> {
    try {
      if (this.#core.policy.expireOnStart) this.#core.statistics.msgExpired += await expireMessages(this.#core, signal)
      await this.#admin.listen()
      await this.#server.start(signal)
      await this.#jobs.start()
    } catch (error) {
      await this.stop(AbortSignal.abort())
      throw error
    }
    this.readiness.started()
    this.#parts.log.info("relay is serving", {
      store: this.#config.store.kind,
      port: this.addresses[0]?.port,
    })
  }

  stop(deadline: AbortSignal = NEVER): Promise<void> {
    this.readiness.drain()
    this.#stopped ??= this.#stop(deadline)
    return this.#stopped
  }

  async reload(): Promise<void> {
    const { clock = systemClock, crypto = nativeCrypto } = this.#parts
    const credentials = await loadIdentity(this.#config, this.#parts.dataFolder, crypto, clock)
    this.#credentials = credentials
    this.#server.useCredentials(credentials)
    await this.#checkCertificate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(AbortSignal.abort())
  }

  async #stop(deadline: AbortSignal): Promise<void> {
    await this.#server.stop(deadline)
    await this.#jobs.stop()
    this.#core.events.stop()
    this.#core.notifications.stop()
    await this.#store.store.close()
    await this.#admin.close()
  }

  async #readCounts(): Promise<void> {
    this.#counts = await this.#core.store.counts()
  }

  /** After a failure only a successful check makes the relay ready again. */
  async #storeAnswers(): Promise<boolean> {
    await this.#core.store.check()
    if (!this.#storeWorks) this.#parts.log.info("the store answers again")
    this.#storeWorks = true
    return true
  }

  #checkCertificate(): Promise<void> {
    const { clock = systemClock, log } = this.#parts
    const daysLeft = Math.floor(secondsLeft(this.#credentials, clock.now() / 1000) / DAY)
    if (daysLeft < CERTIFICATE_WARNING_DAYS) {
      log.warn("the certificate expires soon: rotate it with `sluice cert rotate`", { daysLeft })
    }
    return Promise.resolve()
  }
}

const NEVER: AbortSignal = new AbortController().signal

async function loadIdentity(
  config: RelayConfig,
  dataFolder: string,
  crypto: CryptoBackend,
  clock: Clock,
): Promise<Credentials> {
  const files = identityFiles(join(dataFolder, config.identity.path))
  try {
    return await loadCredentials(crypto, files, Math.floor(clock.now() / 1000))
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    throw new OperatorError(
      `identity.path: ${error.message}; allowed: files made by \`sluice init\` or \`sluice cert rotate\``,
      {
        cause: error,
      },
    )
  }
}
