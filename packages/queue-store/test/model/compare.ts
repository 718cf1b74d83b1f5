import { nativeCrypto } from "@sluice/crypto/native"
import { idsHash } from "@sluice/smp-protocol/ids-hash"
import { expect } from "vitest"
import type { QueueStore } from "../../src/queue-store.ts"
import type { Notifier, QueueRecord, ServiceKind, StoredMessage } from "../../src/records.ts"
import { key, lid, link, mid, nid, notifier, queue, rid, serviceId } from "../fixtures.ts"
import { bodyOf, service } from "./driver.ts"
import type { ReferenceModel } from "./reference-model.ts"
import type { ReferenceQueue } from "./reference-queue.ts"

/** Expects that the store holds exactly what the model holds: records, indexes, messages, counts and hashes. */
export async function expectSame(store: QueueStore, model: ReferenceModel): Promise<void> {
  const queues = [...model.queues.values()].sort((a, b) => a.q - b.q)
  expect((await store.queues({ limit: 100 })).queues).toEqual(queues.map(recordOf))
  for (const reference of queues) {
    const { q, link: linked, notifier: notified } = reference
    const record = recordOf(reference)
    expect(await store.messages(rid(q))).toEqual(messagesOf(reference))
    expect(await store.queueBySender(record.senderId)).toEqual(record)
    expect(await store.linkData(rid(q))).toEqual(linked === undefined ? undefined : link(linked.fixed, linked.user))
    if (linked !== undefined) expect(await store.queueByLink(lid(linked.l))).toEqual(record)
    if (notified !== undefined) expect(await store.queueByNotifier(nid(notified.x))).toEqual(record)
  }
  for (const n of [1, 2, 3]) {
    if (!queues.some(({ link: linked }) => linked?.l === n)) expect(await store.queueByLink(lid(n))).toBeUndefined()
    if (!queues.some((found) => found.notifier?.x === n)) expect(await store.queueByNotifier(nid(n))).toBeUndefined()
    const pending = model.notifications.filter(({ x }) => x === n)
    const stored = await store.notifications(nid(n), 1000)
    expect(stored.map(({ timestamp }) => timestamp)).toEqual(pending.map(({ time }) => time))
    const ofMessages = queues.filter(({ s }) => s === n).map(({ q }) => rid(q))
    const ofNotifications = queues.flatMap((found) => (found.notifier?.s === n ? [nid(found.notifier.x)] : []))
    await expectAssociated(store, n, "messages", ofMessages)
    await expectAssociated(store, n, "notifications", ofNotifications)
  }
  const items = queues.flatMap((found) => found.items)
  expect(await store.counts()).toMatchObject({
    queues: queues.length,
    messages: items.filter(({ kind }) => kind === "message").length,
    notifications: model.notifications.length,
  })
}

async function expectAssociated(store: QueueStore, s: number, kind: ServiceKind, ids: Uint8Array[]): Promise<void> {
  const found = (await store.serviceQueues(serviceId(s), kind, { limit: 100 })).ids
  expect(found).toEqual(ids.sort(Buffer.compare))
  expect(await store.serviceTotals(serviceId(s), kind)).toEqual({
    count: ids.length,
    idsHash: idsHash(nativeCrypto, ids),
  })
}

function recordOf(reference: ReferenceQueue): QueueRecord {
  const { q, mode, senderKey, link: linked, notifier: notified, s, status } = reference
  const { queueMode: _, ...bare } = queue(q)
  const rcvServiceId = service(s)
  return {
    ...bare,
    recipientKeys: [key(reference.recipientKey)],
    ...(mode !== "none" && { queueMode: mode }),
    ...(senderKey !== undefined && { senderKey: key(senderKey) }),
    ...(linked !== undefined && { linkId: lid(linked.l) }),
    ...(notified !== undefined && { notifier: notifierOf(notified) }),
    ...(rcvServiceId !== undefined && { rcvServiceId }),
    status: status === "blocked" ? { tag: "blocked", info: { reason: "spam" } } : { tag: status },
  }
}

function notifierOf({ x, s }: { readonly x: number; readonly s: number }): Notifier {
  const id = service(s)
  return id === undefined ? notifier(x) : notifier(x, { serviceId: id })
}

function messagesOf({ items }: ReferenceQueue): StoredMessage[] {
  return items.map(({ kind, m, time }) => {
    const id = mid(m)
    if (kind === "quota") return { kind, id, timestamp: time }
    return { kind, id, timestamp: time, notify: false, body: bodyOf(m) }
  })
}
