import { notificationsContract } from "./store-contract/notifications.ts"
import { periodicPushesContract } from "./store-contract/periodic-pushes.ts"
import { registrationsContract } from "./store-contract/registrations.ts"
import { servicesContract } from "./store-contract/services.ts"
import { subscriptionsContract } from "./store-contract/subscriptions.ts"
import type { MakeStore } from "./store-contract/tested-store.ts"
import { useContract } from "./store-contract/use.ts"

/**
 * What a store of the notification server must do. A store is done when this passes unchanged; `make` gives a new, empty one
 * for each test, which the suite closes.
 */
export function ntfStoreContract(make: MakeStore): void {
  registrationsContract(make)
  periodicPushesContract(make)
  subscriptionsContract(make)
  servicesContract(make)
  notificationsContract(make)
  useContract(make)
}
