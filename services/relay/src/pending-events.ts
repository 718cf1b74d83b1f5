import type { Clock, Timer } from "@sluice/ops/clock"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { NO_CORR_ID } from "@sluice/smp-protocol/types"
import type { Client, Outgoing } from "./client.ts"

/** Of what an event tells: a queue's messages or its notifications. They are sent in batches of their own. */
export type EventKind = "messages" | "notifications"

type Waiting = Record<EventKind, Map<string, Outgoing>>

/**
 * END, ENDS and DELD that wait to be sent. Clients expect them late and together (smp.md §4.2): thousands of queues
 * move when one phone reconnects. One event per queue and kind waits at the most, the last one.
 */
export class PendingEvents {
  readonly #clock: Clock
  readonly #delay: number
  readonly #onBatch: (events: number) => void
  readonly #waiting = new Map<Client, Waiting>()
  #timer: Timer | undefined

  /** `delay` in milliseconds; `onBatch` is told the number of events of every batch that is sent. */
  constructor(clock: Clock, delay: number, onBatch: (events: number) => void) {
    this.#clock = clock
    this.#delay = delay
    this.#onBatch = onBatch
  }

  add(client: Client, kind: EventKind, key: string, entityId: Uint8Array, message: BrokerMessage): void {
    if (client.closed) return
    let waiting = this.#waiting.get(client)
    if (waiting === undefined) {
      waiting = { messages: new Map(), notifications: new Map() }
      this.#waiting.set(client, waiting)
    }
    waiting[kind].set(key, { corrId: NO_CORR_ID, entityId, message })
    this.#timer ??= this.#clock.setTimeout(() => this.flush(), this.#delay)
  }

  /** Drops the END of a subscription that this client took back before hearing of its loss. */
  cancel(client: Client, kind: EventKind, key: string): void {
    this.#waiting.get(client)?.[kind].delete(key)
  }

  forget(client: Client): void {
    this.#waiting.delete(client)
  }

  /** Sends everything that waits. A client whose output is not drained waits for the next round. */
  flush(): void {
    this.#timer = undefined
    for (const [client, waiting] of this.#waiting) {
      if (client.connection.congested) continue
      this.#waiting.delete(client)
      this.#send(client, waiting.messages)
      this.#send(client, waiting.notifications)
    }
    if (this.#waiting.size > 0) this.#timer = this.#clock.setTimeout(() => this.flush(), this.#delay)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#waiting.clear()
  }

  #send(client: Client, events: ReadonlyMap<string, Outgoing>): void {
    if (events.size === 0) return
    client.connection.push([...events.values()])
    this.#onBatch(events.size)
  }
}
