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
import { OperatorError } from "@sluice/ops/operator-error"
import { registerProcessMetrics } from "@sluice/ops/process-metrics"
import { Readiness } from "@sluice/ops/readiness"
import type { Service } from "@sluice/ops/service"
import { timerJobs } from "@sluice/ops/timer-jobs"
import { bullmqJobs } from "@sluice/redis/bullmq-jobs"
import { createBlockServer } from "@sluice/server-kit/block-server"
import { identityReload } from "@sluice/server-kit/identity-reload"
import type { BlockServer, ListenAddress } from "@sluice/server-kit/server"
import { loadServerIdentity, warnBeforeExpiry } from "@sluice/server-kit/server-identity"
import { createServerMetrics } from "@sluice/server-kit/server-metrics"
import type { Dial } from "@sluice/smp-client/dial"
import { secondsLeft } from "@sluice/transport/certificates"
import type { Credentials } from "@sluice/transport/credentials"
import type { NotificationsConfig } from "./config.ts"
import type { NtfContext } from "./context.ts"
import { NO_DEADLINE, within } from "./deadline.ts"
import { fleetJobs } from "./fleet/fleet-jobs.ts"
import { registerFleetMetrics } from "./fleet/fleet-metrics.ts"
import { FleetRelays } from "./fleet/fleet-relays.ts"
import { openSharedStore, type SharedStore } from "./fleet/shared-store.ts"
import { NO_COUNTS, registerNtfMetrics } from "./metrics.ts"
import { ntfServerProtocol } from "./ntf-server-protocol.ts"
import { periodicPushes } from "./push/periodic.ts"
import { Pusher, type PushProviders } from "./push/pusher.ts"
import { RelayPool } from "./relays/relay-pool.ts"
import { NtfClientSession } from "./session.ts"
import { NtfStatistics } from "./statistics.ts"
import type { NtfStore } from "./store/ntf-store.ts"
import { StoreError } from "./store/store-error.ts"
import { createMemoryStore, openEmbeddedStore } from "./store/table-store.ts"
import { unverifiedTokens } from "./unverified-tokens.ts"

/** What a server is started with; everything but log, data folder and push services has a default. */
export interface NotificationsParts {
  readonly log: Log
  /** The configuration's paths are relative to it. */
  readonly dataFolder: string
  /** Push services by the tags of their tokens; closed at the end. Without one, its tokens are not taken. */
  readonly providers: PushProviders
  readonly version?: string
  readonly crypto?: CryptoBackend
  readonly clock?: Clock
  readonly random?: () => number
  /** Given by a program that registers its process's metrics itself. */
  readonly metrics?: Metrics
  readonly readiness?: Readiness
  /** Closed at the end. */
  readonly store?: NtfStore
  /** How relays are dialed; default TCP. */
  readonly dial?: Dial
}

/** A server that was put together. `start` and `stop` are those of the ops package's `Service`. */
export interface NotificationsServer extends Service, AsyncDisposable {
  start(signal?: AbortSignal): Promise<void>
  stop(deadline?: AbortSignal): Promise<void>
  reload(): Promise<void>
  /** Where it listens for devices, with the real ports. Empty before `start`. */
  readonly addresses: readonly ListenAddress[]
  /** Where it serves metrics and health, with the real port. Throws before `start`. */
  readonly adminAddress: Bind
  /** Fingerprint of its identity, 32 bytes: the key hash in its address. */
  readonly fingerprint: Uint8Array
  readonly readiness: Readiness
  readonly statistics: NtfStatistics
  /** State of the connections to relays. */
  readonly relays: Pick<RelayPool, "states" | "subscriptions">
}

const DAY = 86_400
const COUNTS_EVERY = 5_000

/** Opens the store, loads the certificates and puts everything together. Listens only with `start`. */
export async function createNotificationsServer(
  config: NotificationsConfig,
  parts: NotificationsParts,
): Promise<NotificationsServer> {
  const credentials = await loadIdentity(config, parts)
  if (parts.store !== undefined || config.notifications.store !== "redis") {
    return new AssembledServer(config, parts, credentials, parts.store ?? (await openStore(config, parts)))
  }
  const { log, dataFolder: folder, crypto = nativeCrypto, clock = systemClock } = parts
  const sharing = { log: log.child("redis"), folder, crypto, clock }
  const shared = await openSharedStore(config.redis, config.notifications.lease, sharing)
  return new AssembledServer(config, parts, credentials, shared.store, shared)
}

class AssembledServer implements NotificationsServer {
  readonly readiness: Readiness
  readonly statistics: NtfStatistics = new NtfStatistics()
  readonly #parts: NotificationsParts
  readonly #store: NtfStore
  readonly #pusher: Pusher
  readonly #pool: RelayPool
  readonly #fleet: FleetRelays | undefined
  readonly #server: BlockServer
  readonly #jobs: JobRunner
  /** What one server does for all that share its store. */
  readonly #fleetJobs: JobRunner | undefined
  readonly #admin: AdminServer
  readonly #identity: FileReload<Credentials>
  #counts = NO_COUNTS
  #storeWorks = true
  #stopped: Promise<void> | undefined

  constructor(
    config: NotificationsConfig,
    parts: NotificationsParts,
    credentials: Credentials,
    store: NtfStore,
    shared?: SharedStore,
  ) {
    const { log, clock = systemClock, crypto = nativeCrypto, random = Math.random } = parts
    const { notifications } = config
    this.#parts = parts
    this.#store = store
    this.readiness = parts.readiness ?? new Readiness(clock)
    const metrics = parts.metrics ?? new Metrics()
    const { register } = metrics
    const version = parts.version ?? "unknown"
    if (parts.metrics === undefined) registerProcessMetrics(metrics, { version })
    const { statistics } = this
    this.#pusher = new Pusher(
      {
        providers: parts.providers,
        testTokens: notifications.testTokens,
        concurrency: notifications.pushConcurrency,
        maxWaiting: notifications.maxWaitingPushes,
      },
      { store, crypto, clock, log: log.child("push"), statistics, shared: shared?.store.pushes },
    )
    this.#pool = new RelayPool(poolOptions(config, parts.dial), {
      ...{ store, crypto, clock, log: log.child("relays"), statistics, pushes: this.#pusher, random },
    })
    this.#fleet = shared && new FleetRelays({ ...shared, crypto, clock, pool: this.#pool, log: log.child("fleet") })
    if (shared !== undefined && this.#fleet !== undefined) registerFleetMetrics(register, shared, this.#fleet)
    const ctx: NtfContext = {
      ...{ store, crypto, clock, log, statistics, pushes: this.#pusher, relays: this.#fleet ?? this.#pool },
      limits: { subscriptions: notifications.subscriptionsPerToken, relays: notifications.relaysPerToken },
      registrationsPerMinute: notifications.registrationsPerMinute,
      onStoreFailure: () => {
        this.#storeWorks = false
      },
    }
    registerNtfMetrics(register, {
      statistics,
      pusher: this.#pusher,
      pool: this.#pool,
      version,
      counts: () => this.#counts,
    })
    register.gaugeFrom(
      { name: "sluice_certificate_seconds_left", help: "Time until the first certificate of the chain expires" },
      () => secondsLeft(this.#identity.present, clock.now() / 1000),
    )
    this.#identity = identityReload(
      {
        setting: "notifications.identity",
        folder: join(parts.dataFolder, notifications.identity),
        present: credentials,
        use: (loaded) => this.#server.useCredentials(loaded),
      },
      { crypto, clock, log, register },
    )
    this.#server = createBlockServer(
      {
        listen: notifications.bind.map((address) => bindOf(address, notifications.port)),
        credentials,
        protocol: ntfServerProtocol({
          crypto,
          range: { min: notifications.minVersion, max: notifications.maxVersion },
        }),
        sessions: (session) => new NtfClientSession(ctx, session),
        settings: config.limits,
      },
      { crypto, clock, log: log.child("server"), metrics: createServerMetrics(register) },
    )
    this.#jobs = timerJobs({}, { clock, log: log.child("jobs"), register, random })
    this.#fleetJobs = shared && bullmqJobs({}, { connection: shared.redis, clock, log: log.child("jobs"), register })
    for (const job of shared ? fleetJobs(shared.store, this.#pusher) : []) this.#fleetJobs?.add(job)
    const periodic = periodicPushes(notifications.periodicCheckInterval, { store, pusher: this.#pusher, clock })
    const unverified = unverifiedTokens(notifications.unverifiedTtl, { store, statistics, clock })
    for (const job of [periodic, unverified]) (this.#fleetJobs ?? this.#jobs).add(job)
    this.#jobs.add({ name: "store-counts", every: COUNTS_EVERY, firstAfter: 0, run: () => this.#readCounts() })
    this.#jobs.add({ name: "certificate-dates", every: DAY * 1000, firstAfter: 0, run: () => this.#checkCertificate() })
    this.readiness.add("store", () => this.#storeAnswers())
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

  get relays(): Pick<RelayPool, "states" | "subscriptions"> {
    return this.#pool
  }

  /** Devices are served at once; relays are subscribed again in the background, and what was left is pushed. */
  async start(signal: AbortSignal = NO_DEADLINE): Promise<void> {
    const { log } = this.#parts
    try {
      await this.#admin.listen()
      await this.#server.start(signal)
      await this.#jobs.start()
      await this.#identity.start()
      await this.#fleet?.start()
      await this.#fleetJobs?.start()
    } catch (error) {
      await this.stop(AbortSignal.abort())
      throw error
    }
    if (this.#fleet === undefined) void this.#pool.start()
    this.#pusher.recover().catch((error: unknown) => log.error("stored pushes could not be read", { error }))
    this.readiness.started()
    log.info("notification server is serving", { port: this.addresses[0]?.port })
  }

  stop(deadline: AbortSignal = NO_DEADLINE): Promise<void> {
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

  /** No new commands, then no new notifications, then no new pushes; what is not sent by then is stored. */
  async #stop(deadline: AbortSignal): Promise<void> {
    this.#identity.stop()
    await this.#server.stop(deadline)
    const { clock = systemClock } = this.#parts
    const steps = [(this.#fleet ?? this.#pool).stop(deadline), this.#jobs.stop(), this.#fleetJobs?.stop()]
    await within(clock, deadline, Promise.all(steps))
    await within(clock, deadline, this.#pusher.stop(deadline))
    await Promise.all([...new Set(this.#parts.providers.values())].map((provider) => provider.close()))
    await this.#store.close()
    await this.#admin.close()
  }

  async #readCounts(): Promise<void> {
    this.#counts = await this.#store.counts()
  }

  /** After a failure only a successful check makes the server ready again. */
  async #storeAnswers(): Promise<boolean> {
    await this.#store.check()
    if (!this.#storeWorks) this.#parts.log.info("the store answers again")
    this.#storeWorks = true
    return true
  }

  #checkCertificate(): Promise<void> {
    const { clock = systemClock, log } = this.#parts
    warnBeforeExpiry(this.#identity.present, clock, log)
    return Promise.resolve()
  }
}

function poolOptions(
  { notifications }: NotificationsConfig,
  dial: Dial | undefined,
): ConstructorParameters<typeof RelayPool>[0] {
  return {
    useService: notifications.service,
    allowPrivate: notifications.allowPrivateRelays,
    connectTimeout: notifications.relayConnectTimeout,
    commandTimeout: notifications.relayCommandTimeout,
    pingInterval: notifications.relayPingInterval,
    batch: notifications.subscriptionBatch,
    maxConnecting: notifications.maxConnectingRelays,
    maxBatches: notifications.maxSubscriptionBatches,
    dial,
  }
}

function loadIdentity({ notifications }: NotificationsConfig, parts: NotificationsParts): Promise<Credentials> {
  const { dataFolder, crypto = nativeCrypto, clock = systemClock } = parts
  return loadServerIdentity("notifications.identity", join(dataFolder, notifications.identity), { crypto, clock })
}

/** Throws `OperatorError` for files that cannot be used. */
async function openStore({ notifications }: NotificationsConfig, parts: NotificationsParts): Promise<NtfStore> {
  const { crypto = nativeCrypto } = parts
  if (notifications.store === "memory") return createMemoryStore(crypto)
  const folder = join(parts.dataFolder, notifications.storePath)
  try {
    return await openEmbeddedStore({ folder }, crypto)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const why = error.cause instanceof Error ? error.cause.message : error.message
    throw new OperatorError(
      `notifications.store_path: ${folder} is not a store that can be opened (${why}); allowed: a folder of this server's own`,
      { cause: error },
    )
  }
}
