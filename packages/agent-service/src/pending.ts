import type { EventJson } from "./schema/events.ts"

/**
 * Events that wait for an answer: messages and receipts to be acknowledged, requests and confirmations to be decided. A
 * program that connects gets them, so none is lost while no program is there. Messages and receipts are at most one for
 * each queue, as the next one comes after the answer; strangers can make as many requests as they like, so those have a
 * bound.
 */
export class Pending {
  readonly #events = new Map<string, EventJson>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Keeps an event if it is one that is answered. */
  add(event: EventJson): void {
    if (event.type === "connections-deleted") for (const id of event.connectionIds) this.#forget(id)
    const key = keyOf(event)
    if (key === undefined) return
    // The same message again, after a reconnection to the relay, takes its place.
    this.#events.set(key, event)
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

  /** All that wait, oldest first. */
  list(): readonly EventJson[] {
    return [...this.#events.values()]
  }

  #forget(connectionId: string): void {
    for (const [key, event] of this.#events) {
      if ("connectionId" in event && event.connectionId === connectionId) this.#events.delete(key)
    }
  }

  #dropOldestRequest(): void {
    for (const [key, { type }] of this.#events) {
      if (type !== "request" && type !== "confirmation") continue
      this.#events.delete(key)
      return
    }
  }
}

function keyOf(event: EventJson): string | undefined {
  switch (event.type) {
    case "message":
    case "receipt":
      return `message ${event.connectionId} ${event.meta.messageId}`
    case "confirmation":
      return `confirmation ${event.confirmationId}`
    case "request":
      return `request ${event.invitationId}`
    default:
      return undefined
  }
}
