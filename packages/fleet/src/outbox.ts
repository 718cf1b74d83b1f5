import { Writer } from "@sluice/encoding/writer"
import type { Clock, Timer } from "@sluice/ops/clock"
import { roomFor, writeEvent, writeSender } from "./event-codec.ts"
import type { FleetEvent } from "./events.ts"
import type { FleetMetrics } from "./fleet-metrics.ts"
import { MAX_PAYLOAD, type NodeLink } from "./node-link.ts"

/** Waiting times between attempts to say that something was missed, milliseconds. */
const FIRST_RETRY = 100
const LAST_RETRY = 5_000
/** Bytes for the sender's name and some hints. */
const FIRST_CAPACITY = 256

/**
 * Events on their way out. Those of one turn of the event loop for one node leave in one payload. What can't be published
 * is not kept: the node remembers that others missed something, and tells them as soon as it can.
 */
export class Outbox {
  readonly #link: NodeLink
  readonly #clock: Clock
  readonly #metrics: FleetMetrics
  readonly #onError: (error: unknown) => void
  /** Payloads in the making, by node; those for all under the empty name. */
  #writers = new Map<string, Writer>()
  readonly #sending = new Set<Promise<void>>()
  #scheduled = false
  #retry: Timer | undefined
  #delay = FIRST_RETRY
  #stopped = false

  constructor(link: NodeLink, clock: Clock, metrics: FleetMetrics, onError: (error: unknown) => void) {
    this.#link = link
    this.#clock = clock
    this.#metrics = metrics
    this.#onError = onError
  }

  /** Whether others missed something that they don't know of yet. */
  get owes(): boolean {
    return this.#retry !== undefined
  }

  tell(node: string, event: FleetEvent): void {
    if (node === this.#link.node) return
    this.#metrics.published.one.value++
    this.#append(node, event)
  }

  tellAll(event: FleetEvent): void {
    // A node that believes itself alone may be wrong for the time of a lease, so it speaks all the same.
    this.#metrics.published.all.value++
    this.#append("", event)
  }

  /** Publishes what waits; resolves when everything has left or failed. */
  async flush(): Promise<void> {
    this.#publishAll()
    while (this.#sending.size > 0) await Promise.all(this.#sending)
  }

  stop(): void {
    this.#stopped = true
    this.#retry?.cancel()
    this.#retry = undefined
    this.#writers.clear()
  }

  #append(node: string, event: FleetEvent): void {
    if (this.#stopped) return
    const room = roomFor(event)
    let writer = this.#writers.get(node)
    if (writer !== undefined && writer.length + room > MAX_PAYLOAD) {
      this.#publish(node, writer)
      writer = undefined
    }
    if (writer === undefined) {
      // A message that is carried is then copied into a buffer of its size, which does not have to grow.
      writer = new Writer(FIRST_CAPACITY + room)
      writeSender(writer, this.#link.node)
      this.#writers.set(node, writer)
    }
    writeEvent(writer, event)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#publishAll())
  }

  #publishAll(): void {
    this.#scheduled = false
    // Not cleared: engines keep the tables of a cleared map in a chain, and the payloads in them with the oldest.
    const writers = this.#writers
    this.#writers = new Map()
    for (const [node, writer] of writers) this.#publish(node, writer)
  }

  #publish(node: string, writer: Writer): void {
    this.#metrics.payloads.value++
    const payload = writer.finish()
    const sending = (node === "" ? this.#link.broadcast(payload) : this.#link.publish(node, payload)).then(
      () => {
        this.#sending.delete(sending)
      },
      (error: unknown) => {
        this.#sending.delete(sending)
        this.#failed(error)
      },
    )
    this.#sending.add(sending)
  }

  #failed(error: unknown): void {
    this.#metrics.failures.value++
    if (this.#stopped || this.#retry !== undefined) return
    this.#onError(error)
    this.#later()
  }

  #later(): void {
    this.#retry = this.#clock.setTimeout(() => this.#confess(), this.#delay, { background: true })
    this.#delay = Math.min(this.#delay * 2, LAST_RETRY)
  }

  #confess(): void {
    const writer = new Writer()
    writeSender(writer, this.#link.node)
    writeEvent(writer, { tag: "missed" })
    this.#link.broadcast(writer.finish()).then(
      () => {
        this.#retry = undefined
        this.#delay = FIRST_RETRY
      },
      () => {
        this.#metrics.failures.value++
        if (!this.#stopped) this.#later()
      },
    )
  }
}
