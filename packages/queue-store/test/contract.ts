import { describe } from "vitest"
import { blockingContract } from "./contract/blocking.ts"
import { concurrencyContract } from "./contract/concurrency.ts"
import { countsContract } from "./contract/counts.ts"
import { fillingsContract } from "./contract/fillings.ts"
import { importingContract } from "./contract/importing.ts"
import { linksContract } from "./contract/links.ts"
import type { MakeStore } from "./contract/make-store.ts"
import { messagesContract } from "./contract/messages.ts"
import { notificationsContract } from "./contract/notifications.ts"
import { queuesContract } from "./contract/queues.ts"
import { servicesContract } from "./contract/services.ts"
import { stepsContract } from "./contract/steps.ts"
import { subscriptionsContract } from "./contract/subscriptions.ts"

/**
 * What every queue store must do. A store is done when this passes unchanged; `make` gives a new, empty one for each
 * test, which the suite closes.
 */
export function queueStoreContract(name: string, make: MakeStore): void {
  describe(`${name}: contract of the queue store`, () => {
    queuesContract(make)
    blockingContract(make)
    linksContract(make)
    messagesContract(make)
    fillingsContract(make)
    subscriptionsContract(make)
    servicesContract(make)
    notificationsContract(make)
    stepsContract(make)
    importingContract(make)
    countsContract(make)
    concurrencyContract(make)
  })
}
