import { equalBytes } from "@sluice/encoding/bytes"
import { userEvent } from "../connection/incoming.ts"
import type { AgentEvent } from "../events.ts"
import type { ConnectionId } from "../store/records.ts"
import type { AgentContext } from "./context.ts"
import { confirmationsOf, requestEvent } from "./undecided.ts"

/** Names an event that the user answers, without what is in it. */
export type EventReference =
  | { readonly type: "message" | "receipt"; readonly connectionId: ConnectionId; readonly messageId: number }
  | { readonly type: "request"; readonly connectionId: ConnectionId; readonly invitationId: Uint8Array }
  | { readonly type: "confirmation"; readonly connectionId: ConnectionId; readonly confirmationId: Uint8Array }

/** The event as it was told at first; `undefined` once it is answered, or its connection gone. */
export async function unanswered(context: AgentContext, of: EventReference): Promise<AgentEvent | undefined> {
  const { store } = context
  const connection = await store.get("connections", [of.connectionId])
  if (connection === undefined || connection.deleted !== undefined) return undefined
  switch (of.type) {
    case "message":
    case "receipt": {
      const received = await store.get("received", [of.connectionId, of.messageId])
      return received === undefined || received.acked ? undefined : userEvent(received)
    }
    case "request": {
      const invitation = await store.get("invitations", [of.invitationId])
      return invitation && requestEvent(context, connection, invitation)
    }
    case "confirmation":
      return confirmationsOf(connection).find((event) => equalBytes(event.confirmationId, of.confirmationId))
  }
}
