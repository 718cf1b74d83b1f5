import { join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { toHex } from "@sluice/encoding/bytes"
import type { NodeLink } from "@sluice/fleet/node-link"
import { createAdminServer } from "@sluice/ops/admin-server"
import { bindOf } from "@sluice/ops/bind"
import { type Clock, systemClock } from "@sluice/ops/clock"
import type { FileReload } from "@sluice/ops/file-reload"
import type { JobRunner } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import { Metrics } from "@sluice/ops/metrics"
import { registerProcessMetrics } from "@sluice/ops/process-metrics"
import { Readiness } from "@sluice/ops/readiness"
import type { Service } from "@sluice/ops/service"
import { type TimerJobsComponents, timerJobs } from "@sluice/ops/timer-jobs"
import { createMessageProxy } from "@sluice/proxying/create-proxy"
import type { MessageProxy } from "@sluice/proxying/message-proxy"
import { createProxyMetrics } from "@sluice/proxying/metrics"
import type { StoreCounts } from "@sluice/queue-store/queue-store"
import { createBlockServer } from "@sluice/server-kit/block-server"
import { identityReload } from "@sluice/server-kit/identity-reload"
import type { BlockServer, ListenAddress } from "@sluice/server-kit/server"
import { loadServerIdentity, warnBeforeExpiry } from "@sluice/server-kit/server-identity"
import { createServerMetrics, type ServerMetrics } from "@sluice/server-kit/server-metrics"
import type { WebHandOver } from "@sluice/server-kit/server-options"
import { smpProtocol } from "@sluice/server-kit/smp"
import { secondsLeft } from "@sluice/transport/certificates"
import type { Credentials } from "@sluice/transport/credentials"
import { blobJobs, checkBlobs, registerBlobMetrics, relayBlobs } from "./blobs.ts"
import { policyOf, type RelayConfig } from "./config.ts"
import type { RelayContext } from "./context.ts"
import { expireMessages, expiryJobs, sweepJob } from "./expiry.ts"
import { redisFleet } from "./fleet/redis-fleet.ts"
import { RelayFleet } from "./fleet/relay-fleet.ts"
import { Forwarding } from "./forwarding.ts"
import { NO_COUNTS, type SocketCounts } from "./metrics.ts"
import { namesCommands } from "./names-commands.ts"
import { HttpNamesResolver } from "./names-resolver.ts"
import { namesOptions } from "./names-settings.ts"
import { combineNetwork } from "./network-commands.ts"
import { type OpenStore, openStore } from "./open-store.ts"
import { proxyFigures } from "./proxy-figures.ts"
import { createRelayCore } from "./relay-core.ts"
import { RelayOperations } from "./relay-operations.ts"
import { serviceLookup } from "./service-lookup.ts"
import { RelaySession } from "./session.ts"
import { Statistics } from "./statistics.ts"

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
  /** Other processes of this machine open the embedded store, too. */
  readonly sharedStore?: boolean
  /** Joins the nodes that share this relay's address and store. By default Redis does, if the store is there. */
  readonly link?: (components: LinkComponents) => NodeLink
  /** Runs the jobs that a fleet does once. By default Redis shares them out, or they run here with those of this process. */
  readonly fleetJobs?: (components: TimerJobsComponents) => JobRunner
  /** A web server on the port of the relay: the connections of clients that send a server name are its own. */
  readonly web?: WebHandOver
}

/** What a link to other nodes is made with. */
export interface LinkComponents {
  /** Name of this node, as the store knows it: 32 hexadecimal digits that no other process has. */
  readonly node: string
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
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
  /** Closes the store and nothing else, for a process that has to end at once: see `release` of the ops package's `Program`. */
  release(): Promise<void>
}

const DAY = 86_400
/** Bytes of the random name of this process among those that share an address. */
const NODE_NAME_BYTES = 16
const COUNTS_EVERY = 5_000
/** Pages of the store that were touched count as memory of the process until it gives them back. */
const TRIM_EVERY = 3_600_000

/** Opens the store, loads the certificates and puts everything together. Listens only with `start`. */
export async function createRelay(config: RelayConfig, parts: RelayParts): Promise<Relay> {
  const crypto = parts.crypto ?? nativeCrypto
  const clock = parts.clock ?? systemClock
  const names = namesOptions(config.names)
  checkBlobs(config.blobs, config.relay.password !== undefined)
  const resolver = names && new HttpNamesResolver(names, { clock, log: parts.log.child("names") })
  const credentials = await loadIdentity(config, parts)
  const { sharedStore: shared = false, log, dataFolder } = parts
  const store = parts.store ?? (await openStore(config, dataFolder, { crypto, log, clock, shared }))
  const fleet = store.redis === undefined ? {} : redisFleet(store.redis, config.fleet.lease)
  return new AssembledRelay(config, { ...fleet, ...parts }, credentials, store, resolver)
}

class AssembledRelay implements Relay {
  readonly #config: RelayConfig
  readonly #parts: RelayParts
  readonly #store: OpenStore
  readonly #core: RelayContext
  readonly #fleet: RelayFleet
  readonly #proxy: MessageProxy
  readonly #server: BlockServer
  readonly #jobs: JobRunner
  readonly #fleetJobs: JobRunner
  readonly #admin: ReturnType<typeof createAdminServer>
  readonly #operations: RelayOperations
  readonly #resolver: HttpNamesResolver | undefined
  readonly #serverMetrics: ServerMetrics
  readonly readiness: Readiness
  readonly #identity: FileReload<Credentials>
  #counts = NO_COUNTS
  #storeWorks = true
  #stopped: Promise<void> | undefined

  constructor(
    config: RelayConfig,
    parts: RelayParts,
    credentials: Credentials,
    store: OpenStore,
    resolver: HttpNamesResolver | undefined,
  ) {
    const { log, clock = systemClock, crypto = nativeCrypto, random = Math.random } = parts
    this.#config = config
    this.#parts = parts
    this.#store = store
    this.#resolver = resolver
    const metrics = parts.metrics ?? new Metrics()
    this.readiness = parts.readiness ?? new Readiness(clock)
    const statistics = new Statistics()
    const { register } = metrics
    const proxyMetrics = createProxyMetrics(register)
    this.#proxy = createMessageProxy(
      { enabled: config.proxy.enabled, password: config.relay.password?.reveal(), routing: config.proxy },
      { crypto, clock, metrics: proxyMetrics },
    )
    const node = toHex(crypto.randomBytes(NODE_NAME_BYTES))
    const fleetLog = log.child("fleet")
    this.#fleet = new RelayFleet(parts.link?.({ node, clock, log: fleetLog, random }), {
      ...{ clock, log: fleetLog, register, notificationInterval: config.relay.notificationInterval },
    })
    this.#core = createRelayCore({
      policy: policyOf(config),
      neighbours: this.#fleet.neighbours,
      store: store.store,
      crypto,
      clock,
      log,
      node,
      statistics,
      blobs: relayBlobs(config.blobs, store.store),
      network: (relay) =>
        combineNetwork({
          proxying: new Forwarding(relay, this.#proxy),
          names: namesCommands(resolver, statistics.names),
        }),
      onStoreFailure: () => {
        this.#storeWorks = false
      },
    })
    this.#serverMetrics = createServerMetrics(register)
    const { dataFolder, version = "unknown" } = parts
    this.#operations = new RelayOperations(
      { config, core: this.#core, store, dataFolder, register, version, proxy: () => proxyFigures(proxyMetrics) },
      {
        counts: () => this.#counts,
        sockets: () => this.#sockets(),
        fingerprint: () => this.fingerprint,
        reload: () => this.reload(),
        drain: () => this.#drain(),
      },
    )
    register.gaugeFrom(
      { name: "sluice_certificate_seconds_left", help: "Time until the first certificate of the chain expires" },
      () => secondsLeft(this.#identity.present, clock.now() / 1000),
    )
    registerBlobMetrics(register, this.#core.blobs)
    if (parts.metrics === undefined) registerProcessMetrics(metrics, { version })
    this.#identity = identityReload(
      {
        setting: "identity.path",
        folder: join(parts.dataFolder, config.identity.path),
        present: credentials,
        use: (loaded) => this.#server.useCredentials(loaded),
      },
      { crypto, clock, log, register },
    )
    this.#server = createBlockServer(
      {
        listen: config.relay.bind.map((address) => bindOf(address, config.relay.port)),
        sharePort: config.relay.sharePort,
        credentials,
        protocol: smpProtocol({
          crypto,
          range: this.#core.policy.versions,
          lookUpService: serviceLookup(store.store, crypto, clock),
          extensions: { blobs: this.#core.blobs !== undefined },
        }),
        sessions: (session) => new RelaySession(this.#core, session),
        settings: { ...config.limits, maxSlowCommands: slowCommands(config) },
        web: parts.web,
      },
      { crypto, clock, log: log.child("server"), metrics: this.#serverMetrics },
    )
    const jobComponents = { clock, log: log.child("jobs"), register, random }
    this.#jobs = timerJobs({}, jobComponents)
    this.#fleetJobs = parts.fleetJobs?.(jobComponents) ?? this.#jobs
    const { lmdb, shared = false, jobs = [] } = store
    const sweeping = lmdb !== undefined && shared ? [sweepJob(lmdb)] : []
    for (const job of [
      ...expiryJobs(this.#core),
      ...blobJobs(this.#core),
      ...sweeping,
      ...jobs,
      ...this.#operations.jobs,
    ]) {
      const runner = job.scope === "fleet" ? this.#fleetJobs : this.#jobs
      runner.add(job)
    }
    this.#jobs.add({ name: "store-counts", every: COUNTS_EVERY, firstAfter: 0, run: () => this.#readCounts() })
    if (lmdb !== undefined) this.#jobs.add({ name: "trim-store", every: TRIM_EVERY, run: () => lmdb.trim() })
    this.#jobs.add({ name: "certificate-dates", every: DAY * 1000, firstAfter: 0, run: () => this.#checkCertificate() })
    this.readiness.add("store", () => this.#storeAnswers())
    if (parts.link !== undefined) this.readiness.add("fleet", () => this.#fleet.holdsLease())
    const { routes } = this.#operations
    this.#admin = createAdminServer(
      { ...config.admin, routes },
      { metrics, readiness: this.readiness, log: log.child("admin") },
    )
  }

  get addresses(): readonly ListenAddress[] {
    return this.#server.addresses
  }

  get adminAddress(): { readonly host: string | undefined; readonly port: number } {
    return this.#admin.address
  }

  get fingerprint(): Uint8Array {
    return this.#identity.present.fingerprint
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
      await this.#operations.load()
      await this.#fleet.start(this.#core)
      await this.#admin.listen()
      await this.#server.start(signal)
      await this.#jobs.start()
      await this.#identity.start()
      await this.#fleetJobs.start()
    } catch (error) {
      await this.stop(AbortSignal.abort())
      throw error
    }
    this.readiness.started()
    void this.#resolver?.probe()
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

  release(): Promise<void> {
    return this.#store.store.close()
  }

  reload(): Promise<void> {
    return this.#identity.reload()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(AbortSignal.abort())
  }

  async #stop(deadline: AbortSignal): Promise<void> {
    this.#identity.stop()
    await this.#server.stop(deadline)
    await this.#proxy.stop()
    await this.#jobs.stop()
    await this.#fleetJobs.stop()
    await this.#fleet.stop().catch((error: unknown) => this.#parts.log.warn("left the fleet without a word", { error }))
    this.#core.delivery.stop()
    this.#core.events.stop()
    this.#core.notifications.stop()
    this.#resolver?.close()
    await this.#saveStatistics()
    await this.#store.store.close()
    await this.#admin.close()
  }

  async #saveStatistics(): Promise<void> {
    try {
      await this.#operations.save()
    } catch (error) {
      this.#parts.log.error("statistics of the day could not be kept", { error })
    }
  }

  /** Takes the relay out of service and leaves it there: sessions are finished and closed, administrators still served. */
  #drain(): void {
    const { clock = systemClock, log } = this.#parts
    this.readiness.drain()
    const deadline = new AbortController()
    const timer = clock.setTimeout(() => deadline.abort(), this.#config.shutdown.grace)
    this.#server
      .stop(deadline.signal)
      .catch((error: unknown) => log.error("draining failed", { error }))
      .finally(() => timer.cancel())
  }

  #sockets(): readonly SocketCounts[] {
    const { accepted, closed, levels } = this.#serverMetrics
    const active = Object.values(levels().connections).reduce((sum, count) => sum + count, 0)
    const port = this.addresses[0]?.port ?? this.#config.relay.port
    return [{ port, accepted: accepted.value, closed: closed.value, active }]
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
    warnBeforeExpiry(this.#identity.present, clock, log)
    return Promise.resolve()
  }
}

/** A session has room for all the proxy commands that its client may have in progress. */
function slowCommands({ limits, proxy }: RelayConfig): number {
  return Math.max(limits.maxSlowCommands, proxy.clientConcurrency)
}

const NEVER: AbortSignal = new AbortController().signal

function loadIdentity({ identity }: RelayConfig, parts: RelayParts): Promise<Credentials> {
  const { dataFolder, crypto = nativeCrypto, clock = systemClock } = parts
  return loadServerIdentity("identity.path", join(dataFolder, identity.path), { crypto, clock })
}
