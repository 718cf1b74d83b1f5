import type { Recalled } from "@sluice/queue-store/queue-store"
import type { QueueRecord } from "@sluice/queue-store/records"
import { StoreError } from "@sluice/queue-store/store-error"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import { specOf } from "@sluice/smp-protocol/commands"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { RelayContext } from "./context.ts"

/** How a failure of the storage is told: by the name of the operation, never by what it was about. */
export function storeError(error: StoreError): SmpError {
  return { type: "STORE", text: error.problem.operation }
}

/** The record, if there is one, from memory or not; or why that is not known. */
export type Found = { readonly queue: QueueRecord | undefined } | Recalled | StoreError

export const NOT_FOUND: Found = { queue: undefined }

export function isRecalled(found: Found): found is Recalled {
  return "remembered" in found
}

/** Several commands of one party are looked up in one request; otherwise each on its own. */
export async function lookUp(relay: RelayContext, commands: readonly ReceivedCommand[]): Promise<Found[]> {
  const failed = (error: unknown): StoreError => asStoreError(relay, error)
  // Between several, a record from memory would show: what it refuses is looked up when the others were already.
  const which = commands.length === 1 ? "recalled" : "now"
  const [first] = commands
  const party = first && specOf(first.command.tag).party
  const together =
    commands.length > 1 &&
    (party === "recipient" || party === "notifier") &&
    commands.every(({ command }) => specOf(command.tag).party === party)
  if (!together) return Promise.all(commands.map((received) => lookUpOne(relay, received, which).catch(failed)))
  const ids = commands.map(({ entityId }) => entityId)
  try {
    const queues = await (party === "recipient"
      ? relay.store.queuesByRecipient(ids)
      : relay.store.queuesByNotifier(ids))
    return queues.map((queue) => ({ queue }))
  } catch (error) {
    const failure = failed(error)
    return commands.map(() => failure)
  }
}

/** A failed look-up answers its commands; like any failure of the store it is logged, and readiness shows it. */
function asStoreError(relay: RelayContext, error: unknown): StoreError {
  if (!(error instanceof StoreError)) throw error
  relay.storeFailed(error)
  return error
}

/** The record of a command's queue as it is `now`, or for SEND and ACK, whose operations compare revisions, from memory. */
async function lookUpOne(
  { store }: RelayContext,
  { command: { tag }, entityId }: ReceivedCommand,
  which: "now" | "recalled",
): Promise<Found> {
  if (which === "recalled" && store.recall !== undefined) {
    if (tag === "SEND") return store.recall("sender", entityId)
    if (tag === "ACK") return store.recall("recipient", entityId)
  }
  switch (specOf(tag).party) {
    case "recipient":
      return { queue: await store.queueByRecipient(entityId) }
    case "sender":
      return { queue: await store.queueBySender(entityId) }
    case "link":
      return { queue: await store.queueByLink(entityId) }
    case "notifier":
      return { queue: await store.queueByNotifier(entityId) }
    default:
      return NOT_FOUND
  }
}

/** The record as it is now, whatever is remembered. */
export async function lookUpAnew(relay: RelayContext, received: ReceivedCommand): Promise<Found> {
  try {
    return await lookUpOne(relay, received, "now")
  } catch (error) {
    return asStoreError(relay, error)
  }
}
