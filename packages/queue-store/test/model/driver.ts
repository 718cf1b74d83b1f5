import type { AcknowledgeResult, EnqueueResult, Outcome, Owner, QueueStore } from "../../src/queue-store.ts"
import type { QueueRecord, StoredMessage } from "../../src/records.ts"
import { key, lid, link, message, mid, nid, notification, notifier, queue, rid, serviceId } from "../fixtures.ts"
import type { Operation, Started } from "./operations.ts"
import { type ReferenceModel, show } from "./reference-model.ts"

const BLOCKED = { tag: "blocked", info: { reason: "spam" } } as const

/** Starts operations of the model on a store, and tells their results in the model's words. */
export class Driver {
  readonly #store: QueueStore
  /** Numbers of the model's subscriptions by the store's owners. */
  readonly #numbers = new Map<string, number>()
  /** The latest subscription of each queue that is known, with its number. */
  readonly #owners = new Map<number, { readonly owner: Owner; readonly number: number }>()

  constructor(store: QueueStore) {
    this.#store = store
  }

  /** Fills in what depends on the state in which the operation starts. */
  resolve(operation: Operation, model: ReferenceModel): Started {
    if (operation.tag === "unsubscribe") return { ...operation, owner: this.#owners.get(operation.q)?.number }
    if (operation.tag !== "acknowledge") return operation
    const { q, m, as, owned } = operation
    const head = model.queues.get(q)?.items[0]
    const owner = owned ? this.#owners.get(q)?.number : undefined
    return { tag: "acknowledge", q, m: as === "head" && head !== undefined ? head.m : m, owner }
  }

  /**
   * Starts an operation; the promise tells its result when all of the group settled. `subscriptions` is how many the
   * model had made after this operation.
   */
  async start(operation: Started, subscriptions: number): Promise<string> {
    const store = this.#store
    switch (operation.tag) {
      case "create": {
        const { q, l, subscribe } = operation
        const options = { ...(l !== 0 && { linkData: link(1, 1) }), ...(subscribe && { subscriber: "node" }) }
        const result = await store.createQueue(recordOf(operation), options)
        if (!result.created) return `collision ${result.collision}`
        if (result.owner !== undefined) this.#learn(q, result.owner, subscriptions)
        return "created"
      }
      case "secure":
        return plain(await store.secure(rid(operation.q), key(operation.k), operation.by))
      case "recipientKeys":
        return plain(await store.setRecipientKeys(rid(operation.q), [key(operation.k)]))
      case "setLink": {
        const { q, l, fixed, user } = operation
        return plain(await store.setLink(rid(q), lid(l), link(fixed, user)))
      }
      case "deleteLink":
        return plain(await store.deleteLink(rid(operation.q)))
      case "setNotifier":
        return previousNotifier(await store.setNotifier(rid(operation.q), notifier(operation.x)))
      case "deleteNotifier":
        return previousNotifier(await store.deleteNotifier(rid(operation.q)))
      case "associate": {
        const outcome = await store.associateNotifier(nid(operation.x), service(operation.s))
        if (!outcome.ok) return outcome.refusal
        return `previous ${serviceNumber(outcome.previousServiceId) ?? 0} changed ${outcome.changed}`
      }
      case "status": {
        const status = operation.status === "blocked" ? BLOCKED : { tag: operation.status }
        const outcome = await store.setStatus(rid(operation.q), status)
        return outcome.ok ? `was ${outcome.previous.tag}` : outcome.refusal
      }
      case "delete": {
        const outcome = await store.deleteQueue(rid(operation.q))
        if (!outcome.ok) return outcome.refusal
        return `deleted with ${outcome.messages} of ${this.#numberOf(outcome.owner)}`
      }
      case "subscribe":
        return this.#subscribe(operation, subscriptions)
      case "unsubscribe": {
        const known = this.#owners.get(operation.q)
        if (known !== undefined) await store.unsubscribe(rid(operation.q), known.owner)
        return "done"
      }
      case "enqueue": {
        const { q, m, time, quota, before, x } = operation
        const notified = x === 0 ? undefined : { notification: notification(x) }
        const sent = message(m, { timestamp: time, body: bodyOf(m) })
        return this.#sent(await store.enqueue(rid(q), sent, { quota, expireBefore: before, ...notified }))
      }
      case "acknowledge": {
        const owner = operation.owner === undefined ? undefined : this.#owners.get(operation.q)?.owner
        return acknowledged(await store.acknowledge(rid(operation.q), mid(operation.m), owner))
      }
      case "removeNotifications":
        return `removed ${await store.removeNotifications(nid(operation.x), Number.MAX_SAFE_INTEGER)}`
      case "expireMessages":
        return `expired ${(await store.expireMessages({ before: operation.before, limit: 100 })).expired}`
      case "expireNotifications":
        return `expired ${(await store.expireNotifications({ before: operation.before, limit: 1000 })).expired}`
      default:
        return operation satisfies never
    }
  }

  async #subscribe({ q, s }: Extract<Operation, { tag: "subscribe" }>, subscriptions: number): Promise<string> {
    const asService = service(s)
    const request = { recipientId: rid(q), ...(asService !== undefined && { serviceId: asService }) }
    const [outcome] = await this.#store.subscribe([request], "node")
    if (outcome?.ok !== true) return outcome?.refusal ?? "no outcome"
    this.#learn(q, outcome.owner, subscriptions)
    const previous = `${this.#numberOf(outcome.previousOwner)} ${serviceNumber(outcome.previousServiceId)}`
    return `owner ${this.#numberOf(outcome.owner)} previous ${previous} head ${showMessage(outcome.head)}`
  }

  #sent(result: EnqueueResult): string {
    switch (result.result) {
      case "stored": {
        const { wasEmpty, owner, rcvServiceId, notified, expired } = result
        const target = `owner ${this.#numberOf(owner)} service ${serviceNumber(rcvServiceId) ?? 0}`
        return `stored empty ${wasEmpty} ${target} notified ${notified} expired ${expired}`
      }
      case "quota":
        return `${result.markerStored ? "marker" : "refused"} expired ${result.expired}`
      default:
        return result.result
    }
  }

  #learn(q: number, owner: Owner, number: number): void {
    this.#numbers.set(`${owner.node} ${owner.epoch}`, number)
    this.#owners.set(q, { owner, number })
  }

  #numberOf(owner: Owner | undefined): number | undefined {
    return owner === undefined ? undefined : this.#numbers.get(`${owner.node} ${owner.epoch}`)
  }
}

function recordOf({ q, mode, l, x, s }: Extract<Operation, { tag: "create" }>): QueueRecord {
  const { queueMode: _, ...bare } = queue(q)
  const rcvServiceId = service(s)
  return {
    ...bare,
    ...(mode !== "none" && { queueMode: mode }),
    ...(l !== 0 && { linkId: lid(l) }),
    ...(x !== 0 && { notifier: notifier(x) }),
    ...(rcvServiceId !== undefined && { rcvServiceId }),
  }
}

export function service(s: number): Uint8Array | undefined {
  return s === 0 ? undefined : serviceId(s)
}

/** Bodies of different lengths, none at all among them. */
export function bodyOf(m: number): Uint8Array {
  return new Uint8Array((m - 1) * 2000).fill(m)
}

function serviceNumber(id: Uint8Array | undefined): number | undefined {
  if (id === undefined) return undefined
  return [1, 2, 3].find((s) => Buffer.compare(serviceId(s), id) === 0)
}

function plain(outcome: Outcome<unknown>): string {
  return outcome.ok ? "ok" : outcome.refusal
}

function previousNotifier(outcome: Awaited<ReturnType<QueueStore["setNotifier"]>>): string {
  if (!outcome.ok) return outcome.refusal
  const id = outcome.previous?.notifierId
  return `previous ${id === undefined ? undefined : [1, 2, 3].find((x) => Buffer.compare(nid(x), id) === 0)}`
}

function acknowledged(result: AcknowledgeResult): string {
  if (result.result !== "acknowledged") return result.result
  const { removed, next } = result
  const gone = removed === undefined ? undefined : { kind: removed.kind, m: 0, time: removed.timestamp }
  return `removed ${show(gone, false)} next ${showMessage(next)}`
}

function showMessage(stored: StoredMessage | undefined): string {
  if (stored === undefined) return show(undefined)
  const m = Array.from({ length: 10 }, (_, i) => i).find((n) => Buffer.compare(mid(n), stored.id) === 0) ?? -1
  if (stored.kind === "message" && Buffer.compare(stored.body, bodyOf(m)) !== 0) return "another body"
  return show({ kind: stored.kind, m, time: stored.timestamp })
}
