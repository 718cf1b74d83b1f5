import { equalBytes, idKey } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { AgentStore } from "../store/agent-store.ts"
import type { StoreChange } from "../store/tables.ts"
import type { SubscriptionRecord } from "./records.ts"

/**
 * Notifications of all connections, in memory as in the store. A change is seen at once by whoever looks next, and stored
 * in the order in which it was made.
 */
export class SubscriptionRows {
  readonly #store: AgentStore
  readonly #rows = new Map<string, SubscriptionRecord>()

  constructor(store: AgentStore) {
    this.#store = store
  }

  async load(): Promise<void> {
    for (const row of await this.#store.list("notificationSubscriptions")) this.#rows.set(idKey(row.connectionId), row)
  }

  get(connectionId: Uint8Array): SubscriptionRecord | undefined {
    return this.#rows.get(idKey(connectionId))
  }

  all(): Iterable<SubscriptionRecord> {
    return this.#rows.values()
  }

  /** The connection with this notifier, by the hosts, the port and the id that a push names. */
  find(server: Server, notifierId: Uint8Array): SubscriptionRecord | undefined {
    for (const row of this.#rows.values()) {
      const { relay } = row
      if (relay.port !== server.port || relay.hosts.join() !== server.hosts.join()) continue
      if (row.notifierId !== undefined && equalBytes(row.notifierId, notifierId)) return row
    }
    return undefined
  }

  async put(row: SubscriptionRecord): Promise<void> {
    await this.#store.commit([this.adopt(row)])
  }

  /** The same without storing it: its caller does, together with something else. */
  adopt(row: SubscriptionRecord): StoreChange {
    this.#rows.set(idKey(row.connectionId), row)
    return { table: "notificationSubscriptions", put: row }
  }

  async remove(connectionId: Uint8Array): Promise<void> {
    if (!this.#rows.delete(idKey(connectionId))) return
    await this.#store.commit([{ table: "notificationSubscriptions", remove: [connectionId] }])
  }
}

/** The row at the end of a worker's action: what was found out counts, another action that was set meanwhile too. */
export function finished(now: SubscriptionRecord, result: Partial<SubscriptionRecord>): SubscriptionRecord {
  return now.changed === true ? { ...now, ...result, action: now.action, changed: true } : { ...now, ...result }
}

/** Everything from the start: a new notifier at this relay, then a new subscription. */
export function fromTheStart(
  row: Pick<SubscriptionRecord, "connectionId" | "relay" | "ntfServer">,
  at: number,
): SubscriptionRecord {
  const { connectionId, relay, ntfServer } = row
  return { connectionId, relay, ntfServer, state: { type: "NEW" }, action: { type: "key", at } }
}
