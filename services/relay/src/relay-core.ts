import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import { StoreError } from "@sluice/queue-store/store-error"
import type { RelayBlobs } from "./blobs.ts"
import type { Client } from "./client.ts"
import type { RelayContext } from "./context.ts"
import { Delivery } from "./delivery.ts"
import { ALONE, type Neighbours } from "./fleet/neighbours.ts"
import { LastUse } from "./last-use.ts"
import { type NetworkCommands, NO_NETWORK } from "./network-commands.ts"
import { NotificationDelivery } from "./notification-delivery.ts"
import { PendingEvents } from "./pending-events.ts"
import { ServiceSubscriptions } from "./service-subscriptions.ts"
import type { RelayPolicy } from "./settings.ts"
import { Statistics } from "./statistics.ts"

/** What the relay is made of besides its own parts. */
export interface CoreParts {
  readonly policy: RelayPolicy
  readonly store: QueueStore
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly log: Log
  /** Name of this process in the fleet. */
  readonly node: string
  /** The other nodes; by default there are none. */
  readonly neighbours?: Neighbours | undefined
  /** Made when everything else is there, since forwarded commands run on it. */
  readonly network?: ((relay: RelayContext) => NetworkCommands) | undefined
  readonly statistics?: Statistics | undefined
  /** Blobs that belong to no queue; by default there are none. */
  readonly blobs?: RelayBlobs | undefined
  /** Told about every failure of the store. */
  readonly onStoreFailure?: ((error: StoreError) => void) | undefined
}

const MAX_BATCH = 255

/** Puts the parts of a relay together, without any network: what `RelaySession` and the jobs work with. */
export function createRelayCore(parts: CoreParts): RelayContext {
  const { policy, store, crypto, clock, log, node, neighbours = ALONE } = parts
  const statistics = parts.statistics ?? new Statistics()
  const storeFailed = (error: StoreError): void => {
    log.error("the store failed", { code: error.problem.code, error })
    parts.onStoreFailure?.(error)
  }
  const onError = (error: unknown): void => {
    if (error instanceof StoreError) storeFailed(error)
    else log.error("work outside of a command failed, which is a defect of this program", { error })
  }
  const events = new PendingEvents(clock, policy.endInterval * 1000, (sent) => {
    statistics.qSubEnd += sent
    statistics.qSubEndB += Math.floor(sent / MAX_BATCH) + 1
  })
  const services = new ServiceSubscriptions(events, crypto, neighbours, (client, kind) => {
    if (kind === "messages") delivery.dropServiceQueues(client)
  })
  const delivery = new Delivery({ store, events, services, crypto, clock, node, neighbours, onError })
  const notifications = new NotificationDelivery(
    { store, clock, events, services, statistics, neighbours, onError },
    policy.notificationInterval * 1000,
  )
  const relay = {
    policy,
    store,
    crypto,
    clock,
    log,
    statistics,
    delivery,
    notifications,
    services,
    events,
    network: NO_NETWORK,
    blobs: parts.blobs,
    neighbours,
    node,
    lastUse: new LastUse(store, clock, onError),
    clients: new Set<Client>(),
    storeFailed,
  }
  if (parts.network !== undefined) relay.network = parts.network(relay)
  return relay
}
