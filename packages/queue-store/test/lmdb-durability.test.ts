import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import {
  accepted,
  contactQueue,
  key,
  lid,
  link,
  message,
  mid,
  nid,
  notification,
  notifier,
  QUOTA,
  queue,
  rid,
  service,
  serviceId,
} from "./fixtures.ts"
import { temporaryFolders } from "./temporary-folders.ts"

const newFolder = temporaryFolders()

describe("the LMDB store after it was opened again", () => {
  it("has everything but the subscriptions", async () => {
    const folder = await newFolder()
    const before = await openLmdbStore({ folder })
    await before.registerService(service(1))
    const full = contactQueue(1, {
      recipientKeys: [key(1), key(-2)],
      linkId: lid(1),
      notifier: notifier(1, { serviceId: serviceId(1) }),
      rcvServiceId: serviceId(1),
      status: { tag: "blocked", info: { reason: "content", notice: { ttl: 9 } } },
    })
    await before.createQueue(full, { linkData: link(1, 2) })
    await before.createQueue(queue(2, { notifier: notifier(2) }), { subscriber: "a" })
    for (const n of [1, 2, 3]) await before.enqueue(rid(2), message(n), { quota: 2, notification: notification(2) })
    const owner = accepted((await before.subscribe([{ recipientId: rid(2) }], "a"))[0]).owner
    const state = await stateOf(before)
    await before.close()

    const after = await openLmdbStore({ folder })
    expect(await stateOf(after)).toEqual(state)
    expect(await after.enqueue(rid(2), message(4), QUOTA)).toEqual({ result: "quota", markerStored: false, expired: 0 })
    expect(await after.acknowledge(rid(2), mid(1), owner)).toEqual({ result: "not-owner" })
    const [again] = await after.subscribe([{ recipientId: rid(2) }], "a")
    expect(accepted(again)).toMatchObject({ head: message(1) })
    expect(accepted(again).previousOwner).toBeUndefined()
    expect(accepted(again).owner.epoch).toBeGreaterThan(owner.epoch)
    // Bodies go on with new numbers: none of those that are there is overwritten.
    for (const n of [1, 2, 3]) await after.acknowledge(rid(2), mid(n))
    await after.enqueue(rid(2), message(5), QUOTA)
    expect(await after.messages(rid(2))).toEqual([message(5)])
    await after.close()
  })

  it("keeps deleted what was deleted", async () => {
    const folder = await newFolder()
    const before = await openLmdbStore({ folder })
    await before.createQueue(queue(1))
    await before.enqueue(rid(1), message(1), QUOTA)
    await before.deleteQueue(rid(1))
    await before.close()
    const after = await openLmdbStore({ folder })
    expect(await after.enqueue(rid(1), message(1), QUOTA)).toEqual({ result: "no-queue" })
    expect(await after.counts()).toMatchObject({ queues: 0, messages: 0, notifications: 0, services: 0 })
    await after.close()
  })

  it("can be open twice in a process, each seeing what the other committed", async () => {
    const folder = await newFolder()
    const one = await openLmdbStore({ folder })
    const two = await openLmdbStore({ folder })
    await one.createQueue(queue(1))
    const sent = Array.from({ length: 40 }, (_, n) =>
      (n % 2 === 0 ? one : two).enqueue(rid(1), message(n), { quota: 30 }),
    )
    const results = (await Promise.all(sent)).map(({ result }) => result)
    expect(results.filter((result) => result === "stored")).toHaveLength(30)
    expect((await two.queueInfo(rid(1))).size).toBe(31)
    await one.close()
    expect((await two.messages(rid(1))).length).toBe(31)
    expect((await two.counts()).messages).toBe(30)
    await two.close()
  })
})

describe("the LMDB store after its process was killed", () => {
  it("has everything that was confirmed, round after round", { timeout: 60_000 }, async () => {
    const folder = await newFolder()
    const confirmed = new Confirmed()
    for (let round = 0; round < 6; round++) {
      const lines = 20 + Math.floor(Math.random() * 800)
      await writeAndKill(folder, round * 100_000, lines, confirmed)

      const store = await openLmdbStore({ folder })
      let messages = 0
      for (const [q, expected] of confirmed.queues) {
        expect((await store.queueByRecipient(rid(q)))?.recipientId).toEqual(rid(q))
        const stored = await store.messages(rid(q))
        const numbers = stored.map(({ timestamp }) => timestamp - 1000)
        expect(stored).toEqual(numbers.map((n) => message(n)))
        const found = new Set(numbers)
        expect(numbers).toEqual([...found].sort((a, b) => a - b))
        expect([...expected.stored].filter((n) => !found.has(n))).toEqual([])
        expect([...expected.gone].filter((n) => found.has(n))).toEqual([])
        messages += numbers.length
      }
      const seen = (await store.counts()).messages
      const others = await Promise.all(
        (await store.queues({ limit: 100 })).queues.map((found) => store.queueInfo(found.recipientId)),
      )
      expect(seen).toBe(others.reduce((sum, { size }) => sum + size, 0))
      expect(seen).toBeGreaterThanOrEqual(messages)
      await store.close()
    }
    expect(confirmed.count).toBeGreaterThan(100)
  })
})

/** What a killed process had said of the store. */
class Confirmed {
  count = 0
  /** By queue: messages that must be there, and messages that must not. An acknowledgement that only started frees both. */
  readonly queues = new Map<number, { readonly stored: Set<number>; readonly gone: Set<number> }>()

  note(line: string): void {
    const [word, q = 0, n = 0] = line.split(" ").map((part, i) => (i === 0 ? part : Number(part)))
    const queueNumber = Number(q)
    const known = this.queues.get(queueNumber) ?? { stored: new Set(), gone: new Set() }
    if (word === "create") this.queues.set(queueNumber, known)
    else if (word === "stored") known.stored.add(Number(n))
    else if (word === "acking") known.stored.delete(Number(n))
    else if (word === "acked") known.gone.add(Number(n))
    this.count++
  }
}

/** Lets a process write to the store and kills it after so many lines of its report. */
async function writeAndKill(folder: string, first: number, lines: number, confirmed: Confirmed): Promise<void> {
  const script = join(import.meta.dirname, "children", "writer.ts")
  const child = spawn(process.execPath, [script, folder, String(first)], { stdio: ["ignore", "pipe", "inherit"] })
  let rest = ""
  let seen = 0
  child.stdout.setEncoding("latin1")
  child.stdout.on("data", (text: string) => {
    const parts = `${rest}${text}`.split("\n")
    rest = parts.pop() ?? ""
    for (const line of parts) confirmed.note(line)
    seen += parts.length
    if (seen >= lines) child.kill("SIGKILL")
  })
  const [, signal] = await once(child, "close")
  expect(signal).toBe("SIGKILL")
}

type Store = Awaited<ReturnType<typeof openLmdbStore>>

async function stateOf(store: Store): Promise<unknown> {
  return {
    queues: await store.queues({ limit: 10 }),
    services: await store.services({ limit: 10 }),
    byLink: await store.queueByLink(lid(1)),
    byNotifier: await store.queueByNotifier(nid(1)),
    linkData: await store.linkData(rid(1)),
    messages: await store.messages(rid(2)),
    notifications: await store.notifications(nid(2), 10),
    messageTotals: await store.serviceTotals(serviceId(1), "messages"),
    notificationTotals: await store.serviceTotals(serviceId(1), "notifications"),
    serviceQueues: await store.serviceQueues(serviceId(1), "messages", { limit: 10 }),
    counts: await store.counts(),
  }
}
