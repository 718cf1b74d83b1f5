import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import type { StoreError } from "@sluice/queue-store/store-error"
import type { RelayBlobs } from "./blobs.ts"
import type { Client } from "./client.ts"
import type { Delivery } from "./delivery.ts"
import type { Neighbours } from "./fleet/neighbours.ts"
import type { LastUse } from "./last-use.ts"
import type { NetworkCommands } from "./network-commands.ts"
import type { NotificationDelivery } from "./notification-delivery.ts"
import type { PendingEvents } from "./pending-events.ts"
import type { ServiceSubscriptions } from "./service-subscriptions.ts"
import type { RelayPolicy } from "./settings.ts"
import type { Statistics } from "./statistics.ts"

/** What the handlers of commands work with. Made once per relay; a test can replace any part. */
export interface RelayContext {
  readonly policy: RelayPolicy
  readonly store: QueueStore
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly log: Log
  readonly statistics: Statistics
  readonly delivery: Delivery
  readonly notifications: NotificationDelivery
  readonly services: ServiceSubscriptions
  readonly events: PendingEvents
  readonly lastUse: LastUse
  readonly network: NetworkCommands
  /** Absent where blobs are off. */
  readonly blobs?: RelayBlobs | undefined
  /** The other nodes of the fleet. */
  readonly neighbours: Neighbours
  /** Told about every failure of the store, so that readiness shows it. */
  storeFailed(error: StoreError): void
  /** All connections. */
  readonly clients: Set<Client>
  /** Name of this process in the fleet, for the ownership of subscriptions. */
  readonly node: string
}

/** Server time in whole seconds, as messages carry it. */
export function seconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000)
}
