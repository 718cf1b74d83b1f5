import { join } from "node:path"
import { bindOf } from "@sluice/ops/bind"
import { OperatorError } from "@sluice/ops/operator-error"
import { watchStore } from "@sluice/ops/store-watch"
import { bullmqJobs } from "@sluice/redis/bullmq-jobs"
import { isForLackOfRoom } from "@sluice/redis/redis-error"
import { type BlockService, createBlockService } from "@sluice/server-kit/block-service"
import { openIdentity, type ServerIdentity } from "@sluice/server-kit/server-identity"
import { componentsOf, type ServiceComponents, type ServiceParts } from "@sluice/server-kit/service-components"
import type { Dial } from "@sluice/smp-client/dial"
import type { NotificationsConfig } from "./config.ts"
import type { NtfContext } from "./context.ts"
import { within } from "./deadline.ts"
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
export interface NotificationsParts extends ServiceParts {
  /** Push services by the tags of their tokens; closed at the end. Without one, its tokens are not taken. */
  readonly providers: PushProviders
  /** Closed at the end. */
  readonly store?: NtfStore
  /** How relays are dialed; default TCP. */
  readonly dial?: Dial
}

/** A server that was put together. `start` and `stop` are those of the ops package's `Service`. */
export interface NotificationsServer extends BlockService {
  readonly statistics: NtfStatistics
  /** State of the connections to relays. */
  readonly relays: Pick<RelayPool, "states" | "subscriptions">
}

/** Opens the store, loads the certificates and puts everything together. Listens only with `start`. */
export async function createNotificationsServer(
  config: NotificationsConfig,
  parts: NotificationsParts,
): Promise<NotificationsServer> {
  const components = componentsOf(parts)
  const identity = await openIdentity("notifications.identity", config.notifications.identity, components)
  const store = await openStore(config, parts.store, components)
  return assemble(config, parts, { ...components, identity, ...store })
}

/** Which part of the connections for Web Push hosts take of which nothing is known; slow ones take half as much. */
const STRANGERS_PART = 8

interface Opened extends ServiceComponents {
  readonly identity: ServerIdentity
  readonly store: NtfStore
  /** The same, if other servers share it. */
  readonly shared?: SharedStore
}

function assemble(
  config: NotificationsConfig,
  { providers, dial }: NotificationsParts,
  { identity, store, shared, ...components }: Opened,
): NotificationsServer {
  const { crypto, clock, log, random, register, readiness, version, jobs } = components
  const { notifications } = config
  const watch = watchStore(store, NO_COUNTS, { log, readiness, jobs })
  const statistics = new NtfStatistics()
  const pusher = new Pusher(
    {
      providers,
      testTokens: notifications.testTokens,
      concurrency: notifications.pushConcurrency,
      strangers: Math.ceil(config.push.web.maxConnections / STRANGERS_PART),
      maxWaiting: notifications.maxWaitingPushes,
    },
    { store, crypto, clock, log: log.child("push"), statistics, shared: shared?.store.pushes },
  )
  const pool = new RelayPool(poolOptions(config, dial), {
    ...{ store, crypto, clock, log: log.child("relays"), statistics, pushes: pusher, random },
  })
  const fleet = shared && new FleetRelays({ ...shared, crypto, clock, pool, log: log.child("fleet") })
  if (shared !== undefined && fleet !== undefined) registerFleetMetrics(register, shared, fleet)
  const ctx: NtfContext = {
    ...{ store, crypto, clock, log, statistics, pushes: pusher, relays: fleet ?? pool },
    limits: { subscriptions: notifications.subscriptionsPerToken, relays: notifications.relaysPerToken },
    registrationsPerMinute: notifications.registrationsPerMinute,
    onStoreFailure: (error) => {
      if (!isForLackOfRoom(error)) watch.failed()
    },
  }
  registerNtfMetrics(register, { statistics, pusher, pool, version, counts: () => watch.counts })

  /** What one server does for all that share its store. */
  const sharedJobs = shared && bullmqJobs({}, { connection: shared.redis, clock, log: log.child("jobs"), register })
  for (const job of shared ? fleetJobs(shared.store, pusher) : []) sharedJobs?.add(job)
  const periodic = periodicPushes(notifications.periodicCheckInterval, { store, pusher, clock })
  const unverified = unverifiedTokens(notifications.unverifiedTtl, { store, statistics, clock })
  for (const job of [periodic, unverified]) (sharedJobs ?? jobs).add(job)

  const service: BlockService = createBlockService(
    {
      identity,
      server: {
        listen: notifications.bind.map((address) => bindOf(address, notifications.port)),
        protocol: ntfServerProtocol({
          crypto,
          range: { min: notifications.minVersion, max: notifications.maxVersion },
        }),
        sessions: (session) => new NtfClientSession(ctx, session),
        settings: config.limits,
      },
      admin: config.admin,
      life: {
        /** Devices are served at once; relays are subscribed again in the background, and what was left is pushed. */
        async begin() {
          await jobs.start()
          await fleet?.start()
          await sharedJobs?.start()
          if (fleet === undefined) void pool.start()
          pusher.recover().catch((error: unknown) => log.error("stored pushes could not be read", { error }))
        },
        serving: () => log.info("notification server is serving", { port: service.addresses[0]?.port }),
        /** After the last command no new notifications, then no new pushes; what is not sent by then is stored. */
        async finish(deadline) {
          const steps = [(fleet ?? pool).stop(deadline), jobs.stop(), sharedJobs?.stop()]
          await within(clock, deadline, Promise.all(steps))
          await within(clock, deadline, pusher.stop(deadline))
          await Promise.all([...new Set(providers.values())].map((provider) => provider.close()))
          await store.close()
        },
      },
    },
    components,
  )
  return Object.assign(service, { statistics, relays: pool })
}

async function openStore(
  config: NotificationsConfig,
  given: NtfStore | undefined,
  components: ServiceComponents,
): Promise<Pick<Opened, "store" | "shared">> {
  if (given !== undefined) return { store: given }
  if (config.notifications.store !== "redis") return { store: await openOwnStore(config, components) }
  const { log, dataFolder: folder, crypto, clock } = components
  const sharing = { log: log.child("redis"), folder, crypto, clock }
  const shared = await openSharedStore(config.redis, config.notifications.lease, sharing)
  return { store: shared.store, shared }
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

/** Throws `OperatorError` for files that cannot be used. */
async function openOwnStore(
  { notifications }: NotificationsConfig,
  { crypto, dataFolder }: ServiceComponents,
): Promise<NtfStore> {
  if (notifications.store === "memory") return createMemoryStore(crypto)
  const folder = join(dataFolder, notifications.storePath)
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
