import type { ExpiryRecord } from "../store/records.ts"
import type { StoreChange } from "../store/tables.ts"
import type { AgentContext } from "./context.ts"
import { removeIfDone } from "./removal.ts"
import { removeRequest } from "./requests.ts"

/** What is over goes: hashes, sent messages and requests after their time, connections that were deleted. */
export async function cleanUp(context: AgentContext): Promise<void> {
  const { store, clock } = context
  const seconds = Math.floor(clock.now() / 1000)
  for (;;) {
    const expired = await store.list("expiries", { before: seconds, limit: 1000 })
    if (expired.length === 0) break
    for (const { of } of expired) if (of.table === "invitations") await removeRequest(context, of.id)
    await store.commit(expired.flatMap(expiryChanges))
  }
  for (const record of await store.list("connections")) {
    if (record.deleted === undefined) continue
    context.steps.start(record)
    await removeIfDone(context, record.id)
  }
}

function expiryChanges({ at, connectionId, of }: ExpiryRecord): StoreChange[] {
  if (of.table === "hashes") {
    return [
      { table: "hashes", remove: [connectionId, of.hash] },
      { table: "expiries", remove: [at, connectionId, of.hash] },
    ]
  }
  // The request itself is gone already, together with its count.
  if (of.table === "invitations") return [{ table: "expiries", remove: [at, connectionId, of.id] }]
  return [
    { table: "sent", remove: [connectionId, of.sentId] },
    { table: "expiries", remove: [at, connectionId, of.sentId] },
  ]
}
