import { toHex } from "@sluice/encoding/bytes"
import { bindOf } from "@sluice/ops/bind"
import { jobsByScope } from "@sluice/ops/jobs-by-scope"
import { watchStore } from "@sluice/ops/store-watch"
import { createMessageProxy } from "@sluice/proxying/create-proxy"
import { createProxyMetrics } from "@sluice/proxying/metrics"
import { NO_COUNTS } from "@sluice/queue-store/queue-store"
import { isForLackOfRoom } from "@sluice/redis/redis-error"
import { type BlockService, createBlockService } from "@sluice/server-kit/block-service"
import { openIdentity, type ServerIdentity } from "@sluice/server-kit/server-identity"
import { componentsOf, type ServiceComponents } from "@sluice/server-kit/service-components"
import { smpProtocol } from "@sluice/server-kit/smp"
import { blobJobs, checkBlobs, registerBlobMetrics, relayBlobs } from "./blobs.ts"
import { policyOf, type RelayConfig } from "./config.ts"
import { expireMessages, expiryJobs } from "./expiry.ts"
import { redisFleet } from "./fleet/redis-fleet.ts"
import { RelayFleet } from "./fleet/relay-fleet.ts"
import { Forwarding } from "./forwarding.ts"
import { socketCounts } from "./metrics.ts"
import { namesCommands } from "./names-commands.ts"
import { HttpNamesResolver } from "./names-resolver.ts"
import { namesOptions } from "./names-settings.ts"
import { combineNetwork } from "./network-commands.ts"
import { type OpenStore, openStore } from "./open-store.ts"
import { proxyFigures } from "./proxy-figures.ts"
import { createRelayCore } from "./relay-core.ts"
import { RelayOperations } from "./relay-operations.ts"
import type { RelayParts } from "./relay-parts.ts"
import { serviceLookup } from "./service-lookup.ts"
import { RelaySession } from "./session.ts"
import { Statistics } from "./statistics.ts"
import { storeJobs } from "./store-jobs.ts"

/** A relay that was put together. `start` and `stop` are those of the ops package's `Service`. */
export interface Relay extends BlockService {
  readonly statistics: Statistics
  /** What there is to see at a glance, at most a few seconds old. */
  figures(): RelayFigures
  /** Closes the store and nothing else, for a process that has to end at once: see `release` of the ops package's `Program`. */
  release(): Promise<void>
}

export interface RelayFigures {
  /** Open ones. */
  readonly connections: number
  readonly queues: number
  /** Messages accepted since the start. */
  readonly sent: number
}

/** Bytes of the random name of this process among those that share an address. */
const NODE_NAME_BYTES = 16

/** Opens the store, loads the certificates and puts everything together. Listens only with `start`. */
export async function createRelay(config: RelayConfig, parts: RelayParts): Promise<Relay> {
  const components = componentsOf(parts)
  const { crypto, clock, log, dataFolder } = components
  const names = namesOptions(config.names)
  checkBlobs(config.blobs, config.relay.password !== undefined)
  const resolver = names && new HttpNamesResolver(names, { clock, log: log.child("names") })
  const identity = await openIdentity("identity.path", config.identity.path, components)
  const { sharedStore: shared = false } = parts
  const store = parts.store ?? (await openStore(config, dataFolder, { crypto, log, clock, shared }))
  const fleet = store.redis === undefined ? {} : redisFleet(store.redis, config.fleet.lease)
  return assemble(config, { ...fleet, ...parts }, { ...components, identity, store, resolver })
}

interface Opened extends ServiceComponents {
  readonly identity: ServerIdentity
  readonly store: OpenStore
  readonly resolver: HttpNamesResolver | undefined
}

function assemble(config: RelayConfig, parts: RelayParts, { identity, store, resolver, ...components }: Opened): Relay {
  const { crypto, clock, log, random, register, readiness, version, dataFolder } = components
  const jobComponents = { clock, log: log.child("jobs"), register, random }
  const jobs = jobsByScope(components.jobs, parts.fleetJobs?.(jobComponents) ?? components.jobs)
  const watch = watchStore(store.store, NO_COUNTS, { log, readiness, jobs })
  const proxyMetrics = createProxyMetrics(register)
  const proxy = createMessageProxy(
    { enabled: config.proxy.enabled, password: config.relay.password?.reveal(), routing: config.proxy },
    { crypto, clock, metrics: proxyMetrics },
  )
  const node = toHex(crypto.randomBytes(NODE_NAME_BYTES))
  const fleetLog = log.child("fleet")
  const fleet = new RelayFleet(parts.link?.({ node, clock, log: fleetLog, random }), {
    ...{ clock, log: fleetLog, register, notificationInterval: config.relay.notificationInterval },
  })
  if (parts.link !== undefined) readiness.add("fleet", () => fleet.holdsLease())
  const statistics = new Statistics()
  const core = createRelayCore({
    ...{ store: store.store, crypto, clock, log, node, statistics },
    policy: policyOf(config),
    neighbours: fleet.neighbours,
    blobs: relayBlobs(config.blobs, store.store),
    network: (relay) =>
      combineNetwork({
        proxying: new Forwarding(relay, proxy),
        names: namesCommands(resolver, statistics.names),
      }),
    onStoreFailure: (error) => {
      if (!isForLackOfRoom(error)) watch.failed()
    },
  })
  registerBlobMetrics(register, core.blobs)
  const operations = new RelayOperations(
    { config, core, store, dataFolder, register, version, proxy: () => proxyFigures(proxyMetrics) },
    {
      counts: () => watch.counts,
      sockets: () => [socketCounts(service.serverMetrics, service.addresses[0]?.port ?? config.relay.port)],
      fingerprint: () => service.fingerprint,
      reload: () => service.reload(),
      drain: () => service.drain(config.shutdown.grace),
    },
  )
  for (const job of [...expiryJobs(core), ...blobJobs(core), ...storeJobs(store), ...operations.jobs]) jobs.add(job)

  const service: BlockService = createBlockService(
    {
      identity,
      server: {
        listen: config.relay.bind.map((address) => bindOf(address, config.relay.port)),
        sharePort: config.relay.sharePort,
        protocol: smpProtocol({
          crypto,
          range: core.policy.versions,
          lookUpService: serviceLookup(store.store, crypto, clock),
          extensions: { blobs: core.blobs !== undefined },
        }),
        sessions: (session) => new RelaySession(core, session),
        settings: { ...config.limits, maxSlowCommands: slowCommands(config) },
        web: parts.web,
      },
      admin: { ...config.admin, routes: operations.routes },
      life: {
        async prepare(signal) {
          if (core.policy.expireOnStart) statistics.msgExpired += await expireMessages(core, signal)
          await operations.load()
          await fleet.start(core)
        },
        begin: () => jobs.start(),
        serving() {
          void resolver?.probe()
          log.info("relay is serving", { store: config.store.kind, port: service.addresses[0]?.port })
        },
        async finish() {
          await proxy.stop()
          await jobs.stop()
          await fleet.stop().catch((error: unknown) => log.warn("left the fleet without a word", { error }))
          for (const part of [core.delivery, core.events, core.notifications]) part.stop()
          resolver?.close()
          await operations
            .save()
            .catch((error: unknown) => log.error("statistics of the day could not be kept", { error }))
          await store.store.close()
        },
      },
    },
    components,
  )
  return Object.assign(service, {
    statistics,
    figures: () => ({ connections: core.clients.size, queues: watch.counts.queues, sent: statistics.msgSent }),
    release: () => store.store.close(),
  })
}

/** A session has room for all the proxy commands that its client may have in progress. */
function slowCommands({ limits, proxy }: RelayConfig): number {
  return Math.max(limits.maxSlowCommands, proxy.clientConcurrency)
}
