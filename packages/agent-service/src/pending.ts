import type { EventReference } from "@sluice/agent/core/unanswered"
import type { AgentEvent } from "@sluice/agent/events"
import { bytesToJson } from "@sluice/encoding/json"

/**
 * Which events wait for an answer: messages and receipts to be acknowledged, requests and confirmations to be decided. A
 * program that connects gets them, so none is lost while no program is there. What is in them stays in the agent's store
 * until then: here each has some 200 bytes, however much strangers and peers have sent. Messages and receipts are at most
 * one for each queue, as the next one comes after the answer; strangers can make as many requests as they like, so those
 * have a bound.
 */
export class Pending {
  readonly #events = new Map<string, EventReference>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Keeps an event if it is one that is answered. */
  add(event: AgentEvent): void {
    if (event.type === "connections-deleted") for (const id of event.connectionIds) this.#forget(bytesToJson(id))
    const of = referenceTo(event)
    if (of === undefined) return
    // The same message again, after a reconnection to the relay, takes its place.
    this.#events.set(keyOf(of), of)
    if (this.#events.size > this.#limit) this.#dropOldestRequest()
  }

  /** A call has succeeded: what it answers is no longer pending. `params` are those of the call, in JSON. */
  answered(call: string, params: Readonly<Record<string, unknown>>): void {
    const { connectionId, messageId, confirmationId, invitationId, command } = params
    if (call === "acknowledge") this.#events.delete(`message ${connectionId} ${messageId}`)
    else if (call === "allowConnection") this.#events.delete(`confirmation ${confirmationId}`)
    else if (call === "acceptRequest" || call === "rejectRequest") this.#events.delete(`request ${invitationId}`)
    // The agent will carry it out, whatever happens to the service.
    else if (call === "later") this.answered("acceptRequest", command as Readonly<Record<string, unknown>>)
    else if (call === "deleteConnection" || call === "deleteConnectionNow") this.#forget(String(connectionId))
  }

  /** All that wait now, oldest first, without those that are answered meanwhile. */
  *list(): Generator<EventReference> {
    for (const key of [...this.#events.keys()]) {
      const of = this.#events.get(key)
      if (of !== undefined) yield of
    }
  }

  #forget(connectionId: string): void {
    for (const [key, of] of this.#events) if (bytesToJson(of.connectionId) === connectionId) this.#events.delete(key)
  }

  #dropOldestRequest(): void {
    for (const [key, { type }] of this.#events) {
      if (type !== "request" && type !== "confirmation") continue
      this.#events.delete(key)
      return
    }
  }
}

function referenceTo(event: AgentEvent): EventReference | undefined {
  const { type } = event
  switch (type) {
    case "message":
    case "receipt":
      return { type, connectionId: copy(event.connectionId), messageId: event.meta.messageId }
    case "confirmation":
      return { type, connectionId: copy(event.connectionId), confirmationId: copy(event.confirmationId) }
    case "request":
      return { type, connectionId: copy(event.connectionId), invitationId: copy(event.invitationId) }
    default:
      return undefined
  }
}

/** IDs may be views of a whole record, which would stay with them. */
function copy(id: Uint8Array): Uint8Array {
  return new Uint8Array(id)
}

/** With IDs as programs name them. */
function keyOf(of: EventReference): string {
  switch (of.type) {
    case "message":
    case "receipt":
      return `message ${bytesToJson(of.connectionId)} ${of.messageId}`
    case "confirmation":
      return `confirmation ${bytesToJson(of.confirmationId)}`
    case "request":
      return `request ${bytesToJson(of.invitationId)}`
  }
}
