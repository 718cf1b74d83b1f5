import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import fc from "fast-check"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { haveRedis } from "../../redis/test/redis-program.ts"
import { startRedis, type TestRedis } from "../../redis/test/start-redis.ts"
import type { QueueRecord } from "../src/records.ts"
import { openRedisStore, type RedisQueueStore } from "../src/redis/redis-store.ts"
import {
  accepted,
  contactQueue,
  key,
  lid,
  link,
  message,
  mid,
  notifier,
  QUOTA,
  queue,
  rid,
  serviceId,
  sid,
  TODAY,
} from "./fixtures.ts"

/** What two nodes on one Redis make of records that one of them remembers while the other changes them. */
describe.skipIf(!haveRedis)("records that a node remembers", () => {
  let server: TestRedis
  let connection: RedisConnection
  let stores = 0
  let prefix = ""
  let here: RedisQueueStore
  let there: RedisQueueStore
  beforeAll(async () => {
    server = await startRedis()
    connection = openRedis(server.config(), { log: silentLog, clock: systemClock })
    await connection.ready(10_000)
  })
  afterAll(async () => {
    await connection.close()
    await server[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    prefix = `${stores++}:`
    here = openRedisStore({ connection, prefix })
    there = openRedisStore({ connection, prefix })
  })

  const recall = (store: RedisQueueStore, by: "recipient" | "sender", id: Uint8Array) => {
    if (store.recall === undefined) throw new Error("the store on Redis recalls")
    return store.recall(by, id)
  }
  /** A queue that `here` remembers, with its revision. */
  const remember = async (record: QueueRecord): Promise<string> => {
    await there.createQueue(record)
    await recall(here, "recipient", record.recipientId)
    const { revision, remembered } = await recall(here, "sender", record.senderId)
    expect(remembered).toBe(true)
    return revision ?? "none"
  }

  it("are read once, whichever ID they are asked by", async () => {
    const record = queue(1, { senderKey: key(2), notifier: notifier(1) })
    await there.createQueue(record)
    const first = await recall(here, "sender", sid(1))
    expect(first).toEqual({ queue: record, revision: expect.stringMatching(/^\d{16}$/), remembered: false })
    for (const [by, id] of [
      ["sender", sid(1)],
      ["recipient", rid(1)],
    ] as const) {
      expect(await recall(here, by, id)).toEqual({ ...first, remembered: true })
    }
    expect(here.figures).toEqual({ remembered: 2, read: 1, changed: 0 })
  })

  it("are none of queues that are not there", async () => {
    for (const id of [rid(1), new Uint8Array(3)]) {
      for (const by of ["recipient", "sender"] as const) {
        expect(await recall(here, by, id)).toEqual({ queue: undefined, remembered: false })
      }
    }
  })

  const info = { reason: "spam" } as const
  const changes: Readonly<Record<string, (store: RedisQueueStore) => Promise<unknown>>> = {
    "the sender's key": (store) => store.secure(rid(1), key(7), "recipient"),
    "recipient keys": (store) => store.setRecipientKeys(rid(1), [key(8), key(9)]),
    suspension: (store) => store.setStatus(rid(1), { tag: "off" }),
    "a block": (store) => store.block(rid(1), info),
    "the end of a block": (store) => store.unblock(rid(1)),
    "a notifier": (store) => store.setNotifier(rid(1), notifier(2)),
    "no notifier": (store) => store.deleteNotifier(rid(1)),
    "the notifier's service": (store) => store.associateNotifier(notifier(1).notifierId, serviceId(3)),
    "the service of messages": (store) => store.subscribe([{ recipientId: rid(1), serviceId: serviceId(4) }], "there"),
  }
  const record = contactQueue(1, { notifier: notifier(1) })

  it.each(Object.entries(changes))("refuse SEND and ACK once another node has changed %s", async (_, change) => {
    const revision = await remember(record)
    accepted(await there.setStatus(rid(1), { tag: "active" }))
    await there.enqueue(rid(1), message(1), QUOTA)
    expect(await here.enqueue(rid(1), message(2), { ...QUOTA, revision })).toEqual({ result: "changed" })

    const next = (await recall(here, "recipient", rid(1))).revision ?? "none"
    expect(next > revision).toBe(true)
    expect(await here.enqueue(rid(1), message(2), { ...QUOTA, revision: next })).toMatchObject({ result: "stored" })
    await change(there)
    expect(await here.acknowledge(rid(1), mid(1), undefined, next)).toEqual({ result: "changed" })
    expect(await here.enqueue(rid(1), message(3), { ...QUOTA, revision: next })).toEqual({ result: "changed" })
    expect((await there.messages(rid(1))).length).toBe(2)
    expect(here.figures.changed).toBe(3)
    // Nothing of the refused messages is left.
    expect(await connection.command(["KEYS", `${prefix}*}b*`])).toHaveLength(2)
    expect(await recall(here, "recipient", rid(1))).toMatchObject({ remembered: false })
  })

  it.each(Object.entries(changes))("are not remembered where this node has changed %s", async (_, change) => {
    await remember(record)
    await change(here)
    expect(await recall(here, "recipient", rid(1))).toMatchObject({ remembered: false })
  })

  it("stay good when the link or the day of the last use changes", async () => {
    const revision = await remember(contactQueue(1))
    accepted(await there.setLink(rid(1), lid(1), link(1, 1)))
    accepted(await there.deleteLink(rid(1)))
    await there.touch([rid(1)], TODAY + 86_400)
    expect(await here.enqueue(rid(1), message(1), { ...QUOTA, revision })).toMatchObject({ result: "stored" })
    expect(await here.acknowledge(rid(1), mid(1), undefined, revision)).toMatchObject({ result: "acknowledged" })
    await here.touch([rid(1)], TODAY + 2 * 86_400)
    expect(await recall(here, "recipient", rid(1))).toMatchObject({
      queue: { updatedAt: TODAY + 2 * 86_400 },
      remembered: false,
    })
  })

  it("are of no use for a queue that is gone, nor for one that has come back", async () => {
    const revision = await remember(queue(1))
    accepted(await there.deleteQueue(rid(1)))
    expect(await here.enqueue(rid(1), message(1), { ...QUOTA, revision })).toEqual({ result: "no-queue" })
    expect(await here.acknowledge(rid(1), mid(1), undefined, revision)).toEqual({ result: "no-queue" })
    await there.importQueues([{ queue: queue(1, { recipientKeys: [key(50)] }) }])
    expect(await here.acknowledge(rid(1), mid(1), undefined, revision)).toEqual({ result: "changed" })
  })

  it("are forgotten when a look-up finds another", async () => {
    await remember(queue(1))
    accepted(await there.secure(rid(1), key(7), "recipient"))
    expect((await here.queueBySender(sid(1)))?.senderKey).toEqual(key(7))
    expect(await recall(here, "sender", sid(1))).toMatchObject({ queue: { senderKey: key(7) }, remembered: false })
  })

  it("never let an operation through that the stored record does not allow", async () => {
    const someChange = fc.constantFrom(...Object.values(changes))
    const step = fc.record({ change: fc.option(someChange), own: fc.boolean(), ack: fc.boolean() })
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const shared = { connection, prefix: `${prefix}${run++}:` }
        const [a, b] = [openRedisStore(shared), openRedisStore(shared)]
        await a.createQueue(record)
        for (const [n, { change, own, ack }] of steps.entries()) {
          const { queue: known, revision } = await recall(a, ack ? "recipient" : "sender", ack ? rid(1) : sid(1))
          await change?.(own ? a : b)
          const stored = await b.queueByRecipient(rid(1))
          const { result } = ack
            ? await a.acknowledge(rid(1), mid(n), undefined, revision)
            : await a.enqueue(rid(1), message(n), { quota: 99, revision })
          if (result !== "changed") expect({ ...known, updatedAt: 0 }).toEqual({ ...stored, updatedAt: 0 })
        }
      }),
      { numRuns: 60 },
    )
  })
})
