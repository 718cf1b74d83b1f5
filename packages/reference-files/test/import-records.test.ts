import { writeFile } from "node:fs/promises"
import { OperatorError } from "@sluice/ops/operator-error"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import { describe, expect, it } from "vitest"
import { formatStoreLogRecord } from "../src/format-store-log.ts"
import type { Progress } from "../src/import-options.ts"
import { drySink, importRecords } from "../src/import-records.ts"
import type { Problem } from "../src/problem.ts"
import type { StoreLogRecord } from "../src/store-log-record.ts"
import { create, importTexts, link, message, notification, notifier, service, type Texts } from "./import-texts.ts"
import { idOf, keyOf, queueOf } from "./sample-queue.ts"
import { listContent } from "./store-content.ts"
import { temporaryFolder } from "./temporary-folder.ts"

const recipientId = idOf("recipient", 1)

describe("importRecords", () => {
  it("takes queues with everything that belongs to them", async () => {
    const serviceId = idOf("service", 1)
    const { store, summary, problems } = await importTexts({
      log: [
        create({
          ...queueOf(1),
          ...link(1),
          notifier: { ...notifier(1), serviceId },
          rcvServiceId: serviceId,
          updatedAt: 86_400,
        }),
        create(queueOf(2)),
        create(queueOf(3)),
        service(1),
        { tag: "DELETE", recipientId: idOf("recipient", 2) },
      ],
      messages: [message(1, 1), message(3, 2), message(1, 3), message(1, 4, "quota")],
      notifications: [notification(1, 5), notification(1, 6)],
    })
    expect(problems).toEqual([])
    expect(summary).toEqual({
      services: 1,
      queues: 2,
      links: 1,
      notifiers: 1,
      messages: 3,
      quotaMarkers: 1,
      notifications: 2,
      skipped: 0,
      changed: 0,
    })
    const { linkId } = link(1)
    expect(await store.queueByLink(linkId)).toEqual({
      ...queueOf(1),
      linkId,
      notifier: { ...notifier(1), serviceId },
      rcvServiceId: serviceId,
      updatedAt: 86_400,
    })
    expect(await store.linkData(recipientId)).toEqual(link(1).linkData)
    expect((await store.messages(recipientId)).map(({ timestamp, kind }) => [timestamp, kind])).toEqual([
      [1, "message"],
      [3, "message"],
      [4, "quota"],
    ])
    expect((await store.notifications(idOf("notifier", 1), 9)).map(({ timestamp }) => timestamp)).toEqual([5, 6])
    expect((await store.serviceTotals(serviceId, "messages"))?.count).toBe(1)
    expect((await store.serviceTotals(serviceId, "notifications"))?.count).toBe(1)
    expect(await store.queueByRecipient(idOf("recipient", 2))).toBeUndefined()
  })

  it("applies changes of many queues in the order of the log", async () => {
    const changes = (n: number): StoreLogRecord[] => [
      create(queueOf(n)),
      { tag: "TIME", recipientId: idOf("recipient", n), updatedAt: 86_400 },
      { tag: "TIME", recipientId: idOf("recipient", n), updatedAt: 2 * 86_400 },
      { tag: "SECURE", recipientId: idOf("recipient", n), senderKey: keyOf(n) },
      { tag: "TIME", recipientId: idOf("recipient", n), updatedAt: n * 86_400 },
    ]
    const all = Array.from({ length: 600 }, (_, i) => changes(i + 1))
    const interleaved = [0, 1, 2, 3, 4].flatMap((at) => all.flatMap((records) => records.slice(at, at + 1)))
    const { store, summary } = await importTexts({ log: interleaved })
    expect(summary).toMatchObject({ queues: 600, skipped: 0 })
    for (const n of [1, 2, 300, 600]) {
      const expected = { ...queueOf(n), senderKey: keyOf(n), updatedAt: n * 86_400 }
      expect(await store.queueByRecipient(idOf("recipient", n))).toEqual(expected)
    }
  })

  it("leaves out what is over the quota, and keeps markers", async () => {
    const { store, problems, summary } = await importTexts(
      {
        log: [create(queueOf(1))],
        messages: [message(1, 1), message(1, 2), message(1, 3), message(1, 4, "quota"), message(1, 5)],
      },
      { quota: 2 },
    )
    const full = (line: number) => `messages:${line}: its queue is full with 2 messages; left out`
    expect(problems).toEqual([full(3), full(5)])
    expect((await store.messages(recipientId)).map(({ timestamp }) => timestamp)).toEqual([1, 2, 4])
    expect(summary).toMatchObject({ messages: 2, quotaMarkers: 1, skipped: 2 })
  })

  it("takes a message with an empty body", async () => {
    const line = message(1, 1).replace(/[^ ]*$/, "")
    const { store, problems } = await importTexts({ log: [create(queueOf(1))], messages: [line] })
    expect(problems).toEqual([])
    expect(await store.messages(recipientId)).toMatchObject([{ body: new Uint8Array(0) }])
  })

  it("reports what the store cannot take because an ID is in use there", async () => {
    const store = createMemoryStore()
    await store.createQueue({ ...queueOf(7), senderId: idOf("sender", 1), updatedAt: 0 })
    const texts = {
      log: [create({ ...queueOf(1), notifier: notifier(1) }), create(queueOf(2))],
      messages: [message(1, 1)],
      notifications: [notification(1, 1)],
    }
    const { problems, summary } = await importTexts(texts, {}, store)
    expect(problems).toEqual([
      "store:1: one of its IDs belongs to another queue of the store; left out",
      "messages:1: its queue was not taken; left out",
      "ntfs:1: the queue of its notifier was not taken; left out",
    ])
    expect(summary).toMatchObject({ queues: 1, skipped: 3 })
  })

  it("ends the same when it is done again, also over a part of it", async () => {
    const texts: Texts = {
      log: [
        service(1),
        ...[1, 2, 3].map((n) => create({ ...queueOf(n), notifier: notifier(n), rcvServiceId: idOf("service", 1) })),
      ],
      messages: [message(1, 1), message(2, 2), message(2, 3, "quota")],
      notifications: [notification(1, 1), notification(2, 2), notification(1, 3)],
    }
    const { store } = await importTexts(texts)
    const content = await listContent(store)
    const { summary } = await importTexts(texts, {}, store)
    expect(await listContent(store)).toEqual(content)
    expect(summary).toMatchObject({ queues: 3, messages: 2, notifications: 3, skipped: 0 })
  })

  it("says the same in a dry run", async () => {
    const texts: Texts = {
      log: [create(queueOf(1)), create({ ...queueOf(2), senderId: idOf("sender", 1) }), "x"],
      messages: [message(1, 1), message(9, 1)],
    }
    const problems: Problem[] = []
    await using folder = await temporaryFolder()
    const storeLog = folder.file("store")
    const lines = texts.log.map((line) => (typeof line === "string" ? line : formatStoreLogRecord(line)))
    await writeFile(storeLog, `${lines.join("\n")}\n`)
    const dry = await importRecords({ storeLog }, drySink, { onProblem: (problem) => problems.push(problem) })
    const { messages: _, ...logOnly } = texts
    expect(dry).toEqual((await importTexts(logOnly)).summary)
    expect(problems.map(({ line }) => line)).toEqual([3, 2])
  })

  it("says how far it is, and ends when it is told to", async () => {
    const seen: Progress[] = []
    const texts: Texts = { log: [create(queueOf(1))], messages: [message(1, 1)], notifications: [] }
    await importTexts(texts, { onProgress: (progress) => seen.push(progress) })
    for (const stage of ["store-log", "messages", "queues", "notifications"] as const) {
      const last = seen.filter((progress) => progress.stage === stage).at(-1)
      expect(last?.done).toBe(last?.total)
    }
    expect(seen.map(({ stage }) => stage)).toEqual(seen.map(({ stage }) => stage).sort(byStage))
    const controller = new AbortController()
    const reason = new Error("enough")
    const onProgress = ({ stage }: Progress) => stage === "messages" && controller.abort(reason)
    await expect(importTexts(texts, { onProgress, signal: controller.signal })).rejects.toBe(reason)
  })

  it("refuses a file that is not there, or that changes while it is read", async () => {
    await using folder = await temporaryFolder()
    const storeLog = folder.file("store")
    await expect(importRecords({ storeLog }, drySink)).rejects.toThrow(OperatorError)
    await expect(importRecords({ storeLog: folder.path }, drySink)).rejects.toThrow("is not a file")
    await writeFile(storeLog, `${formatStoreLogRecord(create(queueOf(1)))}\n`)
    const grow = { ...drySink, importQueues: async () => writeFile(storeLog, "x").then(() => ({ conflicts: [] })) }
    await expect(importRecords({ storeLog }, grow)).rejects.toThrow("changed while it was read")
  })
})

const STAGES: readonly string[] = ["store-log", "messages", "queues", "notifications"]

function byStage(a: string, b: string): number {
  return STAGES.indexOf(a) - STAGES.indexOf(b)
}
