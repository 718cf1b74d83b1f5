import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage, BrokerMessageTag } from "@sluice/smp-protocol/messages"
import { type CorrId, type EntityId, NO_CORR_ID, type ServiceCounters } from "@sluice/smp-protocol/types"
import type { SmpClientError } from "./client-error.ts"
import type { ReceivedMessage } from "./queue-types.ts"

/** What a server sends without being asked, and what else happens on a connection. */
export type ConnectionEvent =
  /** `MSG`: a message of a subscribed queue. The next one comes only after this one was acknowledged. */
  | ({ readonly type: "message" } & ReceivedMessage)
  /** `NMSG`: a queue of this notifier got a message; `meta` is encrypted (144 bytes), `nonce` has 24 bytes. */
  | {
      readonly type: "notification"
      readonly notifierId: EntityId
      readonly nonce: Uint8Array
      readonly meta: Uint8Array
    }
  /** `END`: another connection subscribed to the queue (recipient or notifier id); no more comes here. */
  | { readonly type: "end"; readonly entityId: EntityId }
  /** `DELD`: another connection deleted the queue or notifier (`END` below v10). */
  | { readonly type: "deleted"; readonly entityId: EntityId }
  /** `ENDS`: another connection subscribed for the service; the counters are those this connection had. */
  | { readonly type: "service-end"; readonly serviceId: EntityId; readonly counters: ServiceCounters }
  /** `ALLS`: the first messages of all queues of the service were sent. */
  | { readonly type: "all-delivered" }
  /** `ERR` about a queue that nothing was asked about, e.g. after a service subscription. */
  | { readonly type: "queue-error"; readonly entityId: EntityId; readonly error: SmpError }
  /** `ERR` about nothing in particular: the server could not read what we sent. */
  | { readonly type: "server-error"; readonly error: SmpError }
  /** An answer to a command whose caller has given up. A message in such an answer is a `message` event instead. */
  | {
      readonly type: "late-answer"
      readonly command: string
      readonly entityId: EntityId
      readonly answer: BrokerMessage
    }
  /** A response that belongs to no command, or a response without a command (`OK` as an event). */
  | {
      readonly type: "unexpected"
      readonly corrId: CorrId
      readonly entityId: EntityId
      readonly answer: BrokerMessageTag
    }
  /** Something that cannot be read; `error` is what it would be called in an answer. The connection goes on. */
  | { readonly type: "unreadable"; readonly error: SmpError }
  /** The last event: the connection is gone. `CLOSED` if this program closed it, else `LOST`. */
  | { readonly type: "closed"; readonly error: SmpClientError }

/** The event that a message without correlation id is. Bytes are views on the block. */
export function eventOf(message: BrokerMessage, entityId: EntityId): ConnectionEvent {
  switch (message.tag) {
    case "MSG":
      return { type: "message", recipientId: entityId, msgId: message.msgId, body: message.body }
    case "NMSG":
      return { type: "notification", notifierId: entityId, nonce: message.nonce, meta: message.meta }
    case "END":
      return { type: "end", entityId }
    case "DELD":
      return { type: "deleted", entityId }
    case "ENDS":
      return { type: "service-end", serviceId: entityId, counters: message.counters }
    case "ALLS":
      return { type: "all-delivered" }
    case "ERR":
      return entityId.length === 0
        ? { type: "server-error", error: message.error }
        : { type: "queue-error", entityId, error: message.error }
    default:
      return { type: "unexpected", corrId: NO_CORR_ID, entityId, answer: message.tag }
  }
}

/** Why no more events come: what `closed` says. */
export function closeReason(event: { readonly type: string; readonly error?: unknown }): unknown {
  return event.error
}
