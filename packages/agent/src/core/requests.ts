import { equalBytes } from "@sluice/encoding/bytes"
import type { ConnectionId } from "../store/records.ts"
import type { StoreChange } from "../store/tables.ts"
import type { AgentBase } from "./base.ts"
import type { Connections } from "./connections.ts"

/** Forgets a request to a contact address, if it is still known. Nothing is sent. */
export async function removeRequest(
  { store, connections }: Pick<AgentBase, "store"> & { readonly connections: Connections },
  invitationId: Uint8Array,
): Promise<void> {
  const found = await store.get("invitations", [invitationId])
  if (found === undefined) return
  const { contactId, expires } = found
  await connections.exclusive(contactId, async () => {
    // Somebody else may have been first: it is counted once.
    if ((await store.get("invitations", [invitationId])) === undefined) return
    const contact = await store.get("connections", [contactId])
    const changes: StoreChange[] = [
      { table: "invitations", remove: [invitationId] },
      { table: "expiries", remove: [expires, contactId, invitationId] },
    ]
    if (contact !== undefined) {
      changes.push({ table: "connections", put: { ...contact, requests: Math.max(0, (contact.requests ?? 0) - 1) } })
    }
    await store.commit(changes)
  })
}

/** Forgets all requests to an address that is no more. */
export async function removeRequestsOf({ store }: Pick<AgentBase, "store">, id: ConnectionId): Promise<void> {
  const own = (await store.list("invitations")).filter(({ contactId }) => equalBytes(contactId, id))
  await store.commit(
    own.flatMap(({ id: invitationId, contactId, expires }): StoreChange[] => [
      { table: "invitations", remove: [invitationId] },
      { table: "expiries", remove: [expires, contactId, invitationId] },
    ]),
  )
}
