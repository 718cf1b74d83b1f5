import type { CryptoBackend } from "@sluice/crypto/backend"
import type { BlobHolder } from "./blob-store.ts"
import type { Engine } from "./engine.ts"
import { blobsOn } from "./operations/blobs.ts"
import type { Context } from "./operations/context.ts"
import { findQueue } from "./operations/context.ts"
import { importNotifications, importQueues, queues } from "./operations/importing.ts"
import { deleteLink, expireLinks, setLink } from "./operations/links.ts"
import { acknowledge, allMessages, enqueue, expireMessages, peek, queueInfo } from "./operations/messages.ts"
import {
  expireNotifications,
  notifications,
  pendingNotifiers,
  removeNotifications,
} from "./operations/notifications.ts"
import { associateNotifier, deleteNotifier, setNotifier } from "./operations/notifiers.ts"
import {
  block,
  createQueue,
  deleteQueue,
  queueByIndex,
  readLinkData,
  secure,
  setRecipientKeys,
  setStatus,
  touch,
  unblock,
} from "./operations/queues.ts"
import {
  findService,
  importServices,
  registerService,
  serviceQueues,
  services,
  serviceTotals,
} from "./operations/services.ts"
import { subscribe, unsubscribe } from "./operations/subscriptions.ts"
import type { Ownership } from "./ownership.ts"
import type { QueueStore } from "./queue-store.ts"

/** Parts that a store can be given; tests and other deployments replace them. */
export interface StoreParts {
  readonly crypto: CryptoBackend
  readonly ownership: Ownership
}

/** The store on an engine: names each operation and says whether it changes something or only reads. */
export function storeOn(engine: Engine, parts: StoreParts): QueueStore & BlobHolder {
  const { tables } = engine
  const c: Context = { tables, ...parts }
  const read = engine.read.bind(engine)
  const change = engine.change.bind(engine)
  const grow = engine.grow.bind(engine)
  const close = engine.close.bind(engine)

  return {
    queueByRecipient: (id) => read("queueByRecipient", () => findQueue(tables, id)),
    queueBySender: (id) => read("queueBySender", () => queueByIndex(tables, tables.senders, id)),
    queueByNotifier: (id) => read("queueByNotifier", () => queueByIndex(tables, tables.notifiers, id)),
    queueByLink: (id) => read("queueByLink", () => queueByIndex(tables, tables.links, id)),
    queuesByRecipient: (ids) => read("queuesByRecipient", () => ids.map((id) => findQueue(tables, id))),
    queuesByNotifier: (ids) =>
      read("queuesByNotifier", () => ids.map((id) => queueByIndex(tables, tables.notifiers, id))),
    linkData: (id) => read("linkData", () => readLinkData(tables, id)),

    createQueue: (queue, options) =>
      grow("createQueue", () => createQueue(c, queue, options?.linkData, options?.subscriber)),
    secure: (id, key, by) => change("secure", () => secure(c, id, key, by)),
    setRecipientKeys: (id, keys) => change("setRecipientKeys", () => setRecipientKeys(c, id, keys)),
    setLink: (id, linkId, data) => grow("setLink", () => setLink(c, id, linkId, data)),
    deleteLink: (id) => change("deleteLink", () => deleteLink(c, id)),
    setNotifier: (id, notifier) => grow("setNotifier", () => setNotifier(c, id, notifier)),
    deleteNotifier: (id) => change("deleteNotifier", () => deleteNotifier(c, id)),
    setStatus: (id, status) => change("setStatus", () => setStatus(c, id, status)),
    block: (id, info) => change("block", () => block(c, id, info)),
    unblock: (id) => change("unblock", () => unblock(c, id)),
    deleteQueue: (id) => change("deleteQueue", () => deleteQueue(c, id)),
    touch: (ids, day) => change("touch", () => touch(c, ids, day)),

    subscribe: (requests, node) => change("subscribe", () => subscribe(c, requests, node)),
    unsubscribe: (id, owner) => change("unsubscribe", () => unsubscribe(c, id, owner)),
    enqueue: (id, message, options) => grow("enqueue", () => enqueue(c, id, message, options)),
    peek: (ids) =>
      read("peek", () =>
        ids.map((id) => {
          const head = peek(tables, id)
          return head === undefined ? {} : { head }
        }),
      ),
    acknowledge: (id, messageId, owner) => change("acknowledge", () => acknowledge(c, id, messageId, owner)),
    queueInfo: (id) => read("queueInfo", () => queueInfo(tables, id)),

    notifications: (id, limit) => read("notifications", () => notifications(tables, id, limit)),
    removeNotifications: (id, through) => change("removeNotifications", () => removeNotifications(c, id, through)),
    pendingNotifiers: (options) => read("pendingNotifiers", () => pendingNotifiers(tables, options)),

    registerService: (service) => grow("registerService", () => registerService(c, service)),
    serviceById: (id) => read("serviceById", () => findService(tables, id)),
    associateNotifier: (id, serviceId) => change("associateNotifier", () => associateNotifier(c, id, serviceId)),
    serviceTotals: (id, kind) => read("serviceTotals", () => serviceTotals(tables, id, kind)),
    serviceQueues: (id, kind, options) => read("serviceQueues", () => serviceQueues(tables, id, kind, options)),

    expireMessages: (options) => change("expireMessages", () => expireMessages(c, options)),
    expireNotifications: (options) => change("expireNotifications", () => expireNotifications(c, options)),
    expireLinks: (options) => change("expireLinks", () => expireLinks(c, options)),

    counts: () =>
      read("counts", () => {
        const { sequence: _, ...counts } = tables.counters
        return counts
      }),
    queues: (options) => read("queues", () => queues(tables, options)),
    services: (options) => read("services", () => services(tables, options)),
    messages: (id) => read("messages", () => allMessages(tables, id)),
    importQueues: (entries) => grow("importQueues", () => importQueues(c, entries)),
    importNotifications: (entries) => grow("importNotifications", () => importNotifications(c, entries)),
    importServices: (imported) => grow("importServices", () => importServices(c, imported)),
    blobs: blobsOn(engine),
    check: () => engine.probe(),
    close,
    [Symbol.asyncDispose]: () => engine.close(),
  }
}
