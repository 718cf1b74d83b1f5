import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { type Clock, systemClock } from "@sluice/ops/clock"
import type { RedisConnection } from "@sluice/redis/connection"
import { probe } from "@sluice/redis/probe"
import type { BlobHolder } from "../blob-store.ts"
import type { QueueStore } from "../queue-store.ts"
import { StoreError } from "../store-error.ts"
import type { RedisContext } from "./context.ts"
import { RedisCounts } from "./counts.ts"
import { Indexes } from "./indexes.ts"
import { RedisKeys } from "./keys.ts"
import { Lanes } from "./lanes.ts"
import * as importing from "./operations/importing.ts"
import * as links from "./operations/links.ts"
import { BodyNames } from "./operations/message-items.ts"
import * as messages from "./operations/messages.ts"
import * as notifiers from "./operations/notifiers.ts"
import * as queues from "./operations/queues.ts"
import * as services from "./operations/services.ts"
import { redisBlobs } from "./redis-blobs.ts"
import { toStoreError } from "./redis-errors.ts"
import { RememberedQueues, type RememberingFigures } from "./remembered-queues.ts"
import { ALL_SCRIPTS } from "./scripts/all-scripts.ts"

export interface RedisStoreOptions {
  /** Connects by itself and is not closed with the store. Its configuration says how durable changes are. */
  readonly connection: RedisConnection
  /** What all keys begin with; by default the prefix of the connection. */
  readonly prefix?: string
  /** Notifier IDs whose queue is kept in memory, some 150 bytes each. Default 200,000. */
  readonly knownIds?: number
  /** Queues whose record is kept in memory, about 1.3 KB each. Default 20,000. */
  readonly rememberedQueues?: number
  readonly crypto?: CryptoBackend
  readonly clock?: Clock
}

/** The queue store on Redis, and what it counts. */
export interface RedisQueueStore extends QueueStore, BlobHolder {
  readonly figures: RememberingFigures
}

/**
 * The queue store on Redis, for any number of nodes at once. Each operation on a queue is one script on the slot of that
 * queue; indexes and lists in other slots are written before and removed after it. Nothing is asked of Redis here: while it
 * is away every operation is rejected with STORE_UNAVAILABLE. While it is out of memory, what needs some is rejected with
 * STORE_FULL, and the rest goes on: `check()` resolves then.
 *
 * Two things differ from the other stores. A change that was rejected because the connection broke, or because not enough
 * replicas confirmed it, may have taken effect. And the numbers of `counts()` are late by up to a second on other nodes.
 */
export function openRedisStore(options: RedisStoreOptions): RedisQueueStore {
  const { connection } = options
  const c = redisContext(options)
  const operations = new Operations()
  const run = operations.run.bind(operations)

  return {
    queueByRecipient: (id) => run("queueByRecipient", () => c.indexes.record(id)),
    queueBySender: (id) => run("queueBySender", () => c.indexes.recordBy("sender", id)),
    queueByNotifier: (id) => run("queueByNotifier", () => c.indexes.recordBy("notifier", id)),
    queueByLink: (id) => run("queueByLink", () => c.indexes.recordBy("link", id)),
    queuesByRecipient: (ids) => run("queuesByRecipient", () => Promise.all(ids.map((id) => c.indexes.record(id)))),
    queuesByNotifier: (ids) =>
      run("queuesByNotifier", () => Promise.all(ids.map((id) => c.indexes.recordBy("notifier", id)))),
    linkData: (id) => run("linkData", () => links.linkData(c, id)),
    recall: (by, id) => run("recall", () => c.indexes.recall(by, id)),

    createQueue: (queue, created) =>
      run("createQueue", () => queues.createQueue(c, queue, created?.linkData, created?.subscriber)),
    secure: (id, key, by) => run("secure", () => queues.secure(c, id, key, by)),
    setRecipientKeys: (id, recipientKeys) =>
      run("setRecipientKeys", () => queues.setRecipientKeys(c, id, recipientKeys)),
    setLink: (id, linkId, data) => run("setLink", () => links.setLink(c, id, linkId, data)),
    deleteLink: (id) => run("deleteLink", () => links.deleteLink(c, id)),
    setNotifier: (id, notifier) => run("setNotifier", () => notifiers.setNotifier(c, id, notifier)),
    deleteNotifier: (id) => run("deleteNotifier", () => notifiers.deleteNotifier(c, id)),
    setStatus: (id, status) => run("setStatus", () => queues.setStatus(c, id, status)),
    block: (id, info) => run("block", () => queues.block(c, id, info)),
    unblock: (id) => run("unblock", () => queues.unblock(c, id)),
    deleteQueue: (id) => run("deleteQueue", () => queues.deleteQueue(c, id)),
    touch: (ids, day) => run("touch", () => queues.touch(c, ids, day)),

    subscribe: (requests, node) => run("subscribe", () => queues.subscribe(c, requests, node)),
    unsubscribe: (id, owner) => run("unsubscribe", () => queues.unsubscribe(c, id, owner)),
    enqueue: (id, message, sending) => run("enqueue", () => messages.enqueue(c, id, message, sending)),
    peek: (ids) => run("peek", () => Promise.all(ids.map((id) => messages.peek(c, id)))),
    acknowledge: (id, messageId, owner, revision) =>
      run("acknowledge", () => messages.acknowledge(c, id, messageId, owner, revision)),
    queueInfo: (id) => run("queueInfo", () => messages.queueInfo(c, id)),

    notifications: (id, limit) => run("notifications", () => notifiers.notifications(c, id, limit)),
    removeNotifications: (id, through) =>
      run("removeNotifications", () => notifiers.removeNotifications(c, id, through)),
    pendingNotifiers: (step) => run("pendingNotifiers", () => notifiers.pendingNotifiers(c, step)),

    registerService: (service) => run("registerService", () => services.registerService(c, service)),
    serviceById: (id) => run("serviceById", () => services.serviceById(c, id)),
    associateNotifier: (id, serviceId) => run("associateNotifier", () => notifiers.associateNotifier(c, id, serviceId)),
    serviceTotals: (id, kind) => run("serviceTotals", () => services.serviceTotals(c, id, kind)),
    serviceQueues: (id, kind, step) => run("serviceQueues", () => services.serviceQueues(c, id, kind, step)),

    expireMessages: (step) => run("expireMessages", () => messages.expireMessages(c, step)),
    expireNotifications: (step) => run("expireNotifications", () => notifiers.expireNotifications(c, step)),
    expireLinks: (step) => run("expireLinks", () => links.expireLinks(c, step)),

    counts: () => run("counts", () => c.counts.read()),
    queues: (step) => run("queues", () => importing.queues(c, step)),
    services: (step) => run("services", () => services.services(c, step)),
    messages: (id) => run("messages", () => messages.allMessages(c, id)),
    importQueues: (entries) => run("importQueues", () => importing.importQueues(c, entries)),
    importNotifications: (entries) => run("importNotifications", () => importing.importNotifications(c, entries)),
    importServices: (imported) => run("importServices", () => services.importServices(c, imported)),

    figures: c.remembered.figures,
    blobs: redisBlobs(c, run),
    check: () => run("check", () => probe(connection, c.keys.probe())),
    close: () => operations.close(() => c.counts.flush()),
    [Symbol.asyncDispose]: () => operations.close(() => c.counts.flush()),
  }
}

/** What operations on this store work with. */
export function redisContext(options: RedisStoreOptions): RedisContext {
  const { connection, prefix = connection.prefix, knownIds = 200_000, rememberedQueues = 20_000 } = options
  const { crypto = nativeCrypto, clock = systemClock } = options
  connection.load(ALL_SCRIPTS)
  const keys = new RedisKeys(prefix)
  const remembered = new RememberedQueues(rememberedQueues)
  return {
    connection,
    keys,
    crypto,
    clock,
    indexes: new Indexes(connection, keys, clock, { knownIds, remembered }),
    remembered,
    counts: new RedisCounts(connection, keys, clock),
    lanes: new Lanes(),
    bodyNames: new BodyNames(crypto),
  }
}

/** Operations under way, which closing waits for. */
class Operations {
  #underWay = 0
  #closed: Promise<void> | undefined
  #idle: () => void = () => undefined

  async run<T>(operation: string, start: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new StoreError({ code: "STORE_CLOSED", operation })
    this.#underWay++
    try {
      return await start()
    } catch (cause) {
      throw toStoreError(cause, operation)
    } finally {
      if (--this.#underWay === 0) this.#idle()
    }
  }

  close(last: () => Promise<void>): Promise<void> {
    this.#closed ??= this.#finish(last)
    return this.#closed
  }

  async #finish(last: () => Promise<void>): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    // What could not be sent any more is late numbers only; the connection says why.
    await last().catch(() => undefined)
  }
}
