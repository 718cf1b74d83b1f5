import type { Operation, Started } from "./operations.ts"
import { expireFrom, type Item, type ReferenceQueue, sendTo } from "./reference-queue.ts"

export interface ReferenceNotification {
  readonly x: number
  readonly time: number
}

/** The store as the specification describes it, in the simplest way that can be right. Results are short texts. */
export class ReferenceModel {
  readonly queues = new Map<number, ReferenceQueue>()
  notifications: ReferenceNotification[] = []
  /** Subscriptions made so far. */
  subscriptions = 0

  apply(operation: Started): string {
    switch (operation.tag) {
      case "create":
        return this.#create(operation)
      case "associate":
        return this.#associate(operation.x, operation.s)
      case "enqueue":
        return this.#enqueue(operation)
      case "acknowledge":
        return this.#acknowledge(operation)
      case "removeNotifications": {
        const count = this.notifications.filter(({ x }) => x === operation.x).length
        this.#dropNotifications(operation.x)
        return `removed ${count}`
      }
      case "expireMessages": {
        let expired = 0
        for (const queue of this.queues.values()) expired += expireFrom(queue, operation.before)
        return `expired ${expired}`
      }
      case "expireNotifications": {
        const kept = this.notifications.filter(({ time }) => time >= operation.before)
        const expired = this.notifications.length - kept.length
        this.notifications = kept
        return `expired ${expired}`
      }
      case "unsubscribe": {
        const queue = this.queues.get(operation.q)
        if (queue !== undefined && queue.owner === operation.owner) queue.owner = undefined
        return "done"
      }
      default:
        return this.#changeQueue(operation)
    }
  }

  #create({ q, mode, l, x, s, subscribe }: Extract<Operation, { tag: "create" }>): string {
    if (this.queues.has(q)) return "collision recipient"
    if (x !== 0 && this.#byNotifier(x) !== undefined) return "collision notifier"
    if (l !== 0 && this.#byLink(l) !== undefined) return "collision link"
    const link = l === 0 ? undefined : { l, fixed: 1, user: 1 }
    const notifier = x === 0 ? undefined : { x, s: 0 }
    const owner = subscribe ? ++this.subscriptions : undefined
    const empty = { senderKey: undefined, status: "active", items: [], canWrite: true } as const
    this.queues.set(q, { q, mode, recipientKey: q, link, notifier, s, owner, ...empty, items: [] })
    return "created"
  }

  #changeQueue(operation: Extract<Started, { q: number }>): string {
    const queue = this.queues.get(operation.q)
    if (queue === undefined) return "no-queue"
    if (operation.tag === "delete") return this.#delete(queue)
    if (operation.tag === "status") {
      const previous = queue.status
      queue.status = operation.status
      return `was ${previous}`
    }
    if (queue.status === "blocked") return "blocked"
    switch (operation.tag) {
      case "secure": {
        const { by, k } = operation
        if (by !== "recipient" && queue.mode !== "messaging") return "wrong-mode"
        if (by === "link" && queue.link === undefined) return "no-link"
        queue.senderKey ??= k
        return queue.senderKey === k ? "ok" : "other-key"
      }
      case "recipientKeys":
        if (queue.mode !== "contact") return "wrong-mode"
        queue.recipientKey = operation.k
        return "ok"
      case "setLink":
        return this.#setLink(queue, operation)
      case "deleteLink":
        queue.link = undefined
        return "ok"
      case "setNotifier": {
        if (this.#byNotifier(operation.x) !== undefined) return "id-taken"
        const previous = queue.notifier?.x
        this.#dropNotifications(previous)
        queue.notifier = { x: operation.x, s: 0 }
        return `previous ${previous}`
      }
      case "deleteNotifier": {
        const previous = queue.notifier?.x
        this.#dropNotifications(previous)
        queue.notifier = undefined
        return `previous ${previous}`
      }
      case "subscribe": {
        const previousService = queue.s !== 0 && queue.s !== operation.s ? queue.s : undefined
        const previousOwner = queue.owner
        queue.s = operation.s
        queue.owner = ++this.subscriptions
        return `owner ${queue.owner} previous ${previousOwner} ${previousService} head ${show(queue.items[0])}`
      }
      default:
        throw new Error(`not a change of a queue: ${operation.tag}`)
    }
  }

  #setLink(queue: ReferenceQueue, { l, fixed, user }: Extract<Operation, { tag: "setLink" }>): string {
    if (queue.mode !== "contact" && queue.senderKey !== undefined) return "secured"
    if (queue.link !== undefined && (queue.link.l !== l || queue.link.fixed !== fixed)) return "link-differs"
    if (queue.link === undefined && this.#byLink(l) !== undefined) return "id-taken"
    queue.link = { l, fixed, user }
    return "ok"
  }

  #delete(queue: ReferenceQueue): string {
    this.queues.delete(queue.q)
    this.#dropNotifications(queue.notifier?.x)
    return `deleted with ${queue.items.filter(({ kind }) => kind === "message").length} of ${queue.owner}`
  }

  #associate(x: number, s: number): string {
    const queue = this.#byNotifier(x)
    if (queue?.notifier === undefined) return "no-queue"
    const previous = queue.notifier.s
    queue.notifier = { x, s }
    return `previous ${previous} changed ${previous !== s}`
  }

  #enqueue({ q, m, time, quota, before, x }: Extract<Operation, { tag: "enqueue" }>): string {
    const queue = this.queues.get(q)
    if (queue === undefined) return "no-queue"
    if (queue.status !== "active") return queue.status
    if (queue.mode !== "contact" && queue.senderKey !== undefined) queue.link = undefined
    const expired = expireFrom(queue, before)
    const wasEmpty = queue.items.length === 0
    const sent = sendTo(queue, { kind: "message", m, time }, quota)
    if (sent !== "stored") return `${sent} expired ${expired}`
    const notified = x !== 0 && queue.notifier?.x === x
    if (notified) this.notifications.push({ x, time })
    return `stored empty ${wasEmpty} owner ${queue.owner} service ${queue.s} notified ${notified} expired ${expired}`
  }

  #acknowledge({ q, m, owner }: Extract<Started, { tag: "acknowledge" }>): string {
    const queue = this.queues.get(q)
    if (queue === undefined) return "no-queue"
    if (owner !== undefined && queue.owner !== owner) return "not-owner"
    const removed = queue.items[0]?.m === m ? queue.items.shift() : undefined
    return `removed ${show(removed, false)} next ${show(queue.items[0])}`
  }

  #byNotifier(x: number): ReferenceQueue | undefined {
    return [...this.queues.values()].find((queue) => queue.notifier?.x === x)
  }

  #byLink(l: number): ReferenceQueue | undefined {
    return [...this.queues.values()].find((queue) => queue.link?.l === l)
  }

  #dropNotifications(x: number | undefined): void {
    this.notifications = this.notifications.filter((notification) => notification.x !== x)
  }
}

/** An item as text, with or without its number. */
export function show(item: Item | undefined, named = true): string {
  if (item === undefined) return "nothing"
  return `${item.kind}${named ? ` ${item.m}` : ""} at ${item.time}`
}
