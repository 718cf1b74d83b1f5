import { equalBytes } from "@sluice/encoding/bytes"
import { encodeBlob } from "../codec/blob-code.ts"
import { encodeQueue } from "../codec/queue-code.ts"
import { encodeLinkData, encodeNotification, encodeService } from "../codec/small-codes.ts"
import type { Step, StoreCounts } from "../queue-store.ts"
import type { QueueRecord, ServiceRecord, StoredMessage } from "../records.ts"
import type { MovableStore } from "./migrate-store.ts"

/** What was found by reading two stores to the end. */
export interface Comparison {
  /** What the first store holds, counted one by one. */
  readonly counts: StoreCounts & { readonly blobs: number }
  /** How much differs, by kind. Nothing says which: IDs do not belong on an operator's screen. */
  readonly differences: Readonly<Record<Kind, number>>
  readonly equal: boolean
}

type Kind = "services" | "queues" | "links" | "messages" | "notifications" | "blobs"

export interface CompareOptions {
  /** Told how many queues were compared. */
  readonly onProgress?: (queues: number) => void
  readonly signal?: AbortSignal
  readonly batch?: number
}

/** Queues that are compared at the same time: with the usual quota, 64 MiB of messages at the most. */
const TOGETHER = 16
const ALL_NOTIFICATIONS = 1_000_000
type Counted = { -readonly [K in keyof Comparison["counts"]]: number }

/** Reads both stores to the end and compares everything but subscriptions. Nobody may change them meanwhile. */
export async function compareStores(
  first: MovableStore,
  second: MovableStore,
  options: CompareOptions = {},
): Promise<Comparison> {
  const reading = new Reading(first, second, options)
  await reading.services()
  await reading.queues()
  await reading.blobs()
  const { counts, differences } = reading
  return { counts, differences, equal: Object.values(differences).every((found) => found === 0) }
}

class Reading {
  readonly counts: Counted = {
    ...{ queues: 0, messages: 0, notifiers: 0, notifications: 0, services: 0, blobs: 0 },
    ...{ messageServices: 0, notificationServices: 0, messageServiceQueues: 0, notificationServiceQueues: 0 },
  }
  readonly differences: Record<Kind, number> = {
    ...{ services: 0, queues: 0, links: 0, messages: 0, notifications: 0, blobs: 0 },
  }
  readonly #first: MovableStore
  readonly #second: MovableStore
  readonly #options: CompareOptions

  constructor(first: MovableStore, second: MovableStore, options: CompareOptions) {
    this.#first = first
    this.#second = second
    this.#options = options
  }

  async services(): Promise<void> {
    for await (const { services } of this.#walk((step) => this.#first.services(step))) {
      for (const service of services) await this.#service(service)
    }
    const others = await this.#count((step) => this.#second.services(step).then(sized("services")))
    this.#differ("services", Math.abs(others - this.counts.services))
  }

  async queues(): Promise<void> {
    for await (const { queues } of this.#walk((step) => this.#first.queues(step))) {
      const others = await this.#second.queuesByRecipient(queues.map(({ recipientId }) => recipientId))
      for (let at = 0; at < queues.length; at += TOGETHER) {
        await Promise.all(queues.slice(at, at + TOGETHER).map((queue, i) => this.#queue(queue, others[at + i])))
      }
      this.#options.onProgress?.(this.counts.queues)
    }
    const others = await this.#count((step) => this.#second.queues(step).then(sized("queues")))
    this.#differ("queues", Math.abs(others - this.counts.queues))
  }

  async blobs(): Promise<void> {
    for await (const { ids } of this.#walk((step) => this.#first.blobs.listBlobs(step))) {
      for (const id of ids) {
        const [a, b] = await Promise.all([this.#first.blobs.readBlob(id), this.#second.blobs.readBlob(id)])
        this.#differ("blobs", a && b && equalBytes(encodeBlob(a), encodeBlob(b)) ? 0 : 1)
      }
    }
    this.counts.blobs = await this.#first.blobs.countBlobs()
    this.#differ("blobs", Math.abs((await this.#second.blobs.countBlobs()) - this.counts.blobs))
  }

  async #service(service: ServiceRecord): Promise<void> {
    const { serviceId, role } = service
    this.counts.services++
    if (role === "M") this.counts.messageServices++
    if (role === "N") this.counts.notificationServices++
    const other = await this.#second.serviceById(serviceId)
    if (other === undefined || !equalBytes(encodeService(service), encodeService(other))) this.#differ("services", 1)
    for (const kind of ["messages", "notifications"] as const) {
      const totals = await Promise.all([this.#first, this.#second].map((store) => store.serviceTotals(serviceId, kind)))
      const [a, b] = totals
      if (a?.count !== b?.count || (a && b && !equalBytes(a.idsHash, b.idsHash))) this.#differ("services", 1)
    }
  }

  async #queue(queue: QueueRecord, other: QueueRecord | undefined): Promise<void> {
    const { recipientId, linkId, notifier, rcvServiceId } = queue
    this.counts.queues++
    if (notifier !== undefined) this.counts.notifiers++
    if (rcvServiceId !== undefined) this.counts.messageServiceQueues++
    if (notifier?.serviceId !== undefined) this.counts.notificationServiceQueues++
    if (other === undefined || !equalBytes(encodeQueue(queue), encodeQueue(other))) this.#differ("queues", 1)
    if (linkId !== undefined) await this.#link(recipientId)
    const [stored, copy] = await Promise.all([this.#first.messages(recipientId), this.#second.messages(recipientId)])
    this.counts.messages += stored.filter(({ kind }) => kind === "message").length
    this.#differ("messages", countDifferent(stored, copy, sameMessage))
    if (notifier !== undefined) await this.#notifications(notifier.notifierId)
  }

  async #link(recipientId: Uint8Array): Promise<void> {
    const [a, b] = await Promise.all([this.#first.linkData(recipientId), this.#second.linkData(recipientId)])
    const same = a === undefined ? b === undefined : b !== undefined && equalBytes(encodeLinkData(a), encodeLinkData(b))
    this.#differ("links", same ? 0 : 1)
  }

  /** Their numbers are each store's own; order and content are not. */
  async #notifications(notifierId: Uint8Array): Promise<void> {
    const stores = [this.#first, this.#second]
    const [a = [], b = []] = await Promise.all(
      stores.map((store) => store.notifications(notifierId, ALL_NOTIFICATIONS)),
    )
    this.counts.notifications += a.length
    const same = (x: (typeof a)[number], y: (typeof a)[number]) =>
      equalBytes(encodeNotification(x), encodeNotification(y))
    this.#differ("notifications", countDifferent(a, b, same))
  }

  async *#walk<T extends Step>(read: (step: { readonly limit: number } & Step) => Promise<T>): AsyncGenerator<T> {
    const { batch = 200, signal } = this.#options
    let from: Step = {}
    do {
      signal?.throwIfAborted()
      const step = await read({ limit: batch, ...from })
      yield step
      from = step.cursor === undefined ? {} : { cursor: step.cursor }
    } while (from.cursor !== undefined)
  }

  async #count(read: (step: { readonly limit: number } & Step) => Promise<Step & { size: number }>): Promise<number> {
    let count = 0
    for await (const { size } of this.#walk(read)) count += size
    return count
  }

  #differ(kind: Kind, by: number): void {
    this.differences[kind] += by
  }
}

function sized<K extends string>(
  name: K,
): (step: Step & Readonly<Record<K, readonly unknown[]>>) => Step & { size: number } {
  return (step) => ({ size: step[name].length, ...(step.cursor !== undefined && { cursor: step.cursor }) })
}

function countDifferent<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): number {
  const length = Math.max(a.length, b.length)
  let different = 0
  for (let i = 0; i < length; i++) {
    const [x, y] = [a[i], b[i]]
    if (x === undefined || y === undefined || !same(x, y)) different++
  }
  return different
}

function sameMessage(a: StoredMessage, b: StoredMessage): boolean {
  if (a.timestamp !== b.timestamp || !equalBytes(a.id, b.id)) return false
  if (a.kind === "quota" || b.kind === "quota") return a.kind === b.kind
  return a.notify === b.notify && equalBytes(a.body, b.body)
}
