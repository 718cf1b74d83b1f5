import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises"
import { OperatorError } from "@sluice/ops/operator-error"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import type { ImportedQueue, QueueStore } from "@sluice/queue-store/queue-store"
import type { NewNotification, Notifier, ServiceRecord } from "@sluice/queue-store/records"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { exportedConfig, exportedData, exportStore } from "../src/export-store.ts"
import { importRecords } from "../src/import-records.ts"
import { planImport } from "../src/plan-import.ts"
import type { Problem } from "../src/problem.ts"
import { dataFiles } from "../src/reference-names.ts"
import { runImport } from "../src/run-import.ts"
import type { LoggedQueue } from "../src/store-log-record.ts"
import { storedQueue } from "../src/stored-queue.ts"
import { loggedQueue, message, newNotification, quotaMarker, service } from "./arbitraries.ts"
import { generateFiles } from "./generated-files.ts"
import { makeIdentity, NOW } from "./reference-server.ts"
import { idOf, queueOf } from "./sample-queue.ts"
import { digestOf, listContent } from "./store-content.ts"
import { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts"

interface Content {
  readonly services: readonly ServiceRecord[]
  readonly queues: readonly ImportedQueue[]
  readonly notifications: readonly { readonly notifierId: Uint8Array; readonly notifications: NewNotification[] }[]
}

const queueContent = fc.record({
  logged: fc.tuple(loggedQueue, fc.boolean()).map(([queue, suspended]): LoggedQueue => {
    const { status } = queue
    return suspended && status.tag === "blocked" ? { ...queue, status: { ...status, suspended } } : queue
  }),
  messages: fc.array(fc.oneof({ arbitrary: message, weight: 5 }, { arbitrary: quotaMarker, weight: 1 }), {
    maxLength: 4,
  }),
  notifications: fc.array(newNotification, { maxLength: 3 }),
})

/** A store's content in which all IDs are different and all associations lead somewhere. */
const content: fc.Arbitrary<Content> = fc
  .record({ services: fc.array(service, { maxLength: 2 }), queues: fc.array(queueContent, { maxLength: 6 }) })
  .map(({ services, queues }) => {
    const serviceId = services.length === 0 ? undefined : idOf("service", 0)
    return {
      services: services.map((record, n) => ({
        ...record,
        serviceId: idOf("service", n),
        fingerprint: new Uint8Array(32).fill(n),
      })),
      queues: queues.map(({ logged, messages }, n) => {
        const { notifier, rcvServiceId, linkId, linkData, ...rest } = logged
        const queue = {
          ...rest,
          ...(linkId !== undefined && linkData !== undefined && { linkId: idOf("link", n), linkData }),
          ...(rcvServiceId !== undefined && serviceId !== undefined && { rcvServiceId: serviceId }),
          ...(notifier !== undefined && {
            notifier: associated({ ...notifier, notifierId: idOf("notifier", n) }, serviceId),
          }),
          recipientId: idOf("recipient", n),
          senderId: idOf("sender", n),
        }
        return { ...storedQueue(queue), messages }
      }),
      notifications: queues.flatMap(({ logged, notifications }, n) =>
        logged.notifier === undefined ? [] : [{ notifierId: idOf("notifier", n), notifications }],
      ),
    }
  })

/** The notifier with the service in place of the one that it has, if any. */
function associated({ serviceId: had, ...notifier }: Notifier, serviceId: Uint8Array | undefined): Notifier {
  return had === undefined || serviceId === undefined ? notifier : { ...notifier, serviceId }
}

async function storeOf({ services, queues, notifications }: Content): Promise<QueueStore> {
  const store = createMemoryStore()
  expect(await store.importServices(services)).toEqual({ conflicts: [] })
  expect(await store.importQueues(queues)).toEqual({ conflicts: [] })
  expect(await store.importNotifications(notifications)).toEqual({ conflicts: [] })
  return store
}

async function exportAndImport(folder: TemporaryFolder, name: string, store: QueueStore): Promise<QueueStore> {
  await exportStore({ store, folder: folder.file(name), now: NOW })
  const again = createMemoryStore()
  const problems: Problem[] = []
  await importRecords(dataFiles(exportedData(folder.file(name))), again, {
    onProblem: (problem) => problems.push(problem),
  })
  expect(problems).toEqual([])
  return again
}

async function textsOf(folder: string): Promise<string[]> {
  return Promise.all(Object.values(dataFiles(exportedData(folder))).map((path) => readFile(path, "latin1")))
}

describe("exportStore", () => {
  it("writes what an import makes the same store of, and that the same files", async () => {
    await fc.assert(
      fc.asyncProperty(content, async (value) => {
        await using folder = await temporaryFolder()
        const store = await storeOf(value)
        const again = await exportAndImport(folder, "first", store)
        expect(await listContent(again)).toEqual(await listContent(store))
        await exportAndImport(folder, "second", again)
        expect(await textsOf(folder.file("second"))).toEqual(await textsOf(folder.file("first")))
      }),
      { numRuns: 25, endOnFailure: true, interruptAfterTimeLimit: 4000 },
    )
  })

  it("gives the same through the embedded store, with the address", async () => {
    await using folder = await temporaryFolder()
    const source = folder.file("source")
    await mkdir(source)
    await generateFiles(source, { queues: 300, messages: 200, body: 40 })
    const fingerprint = await makeIdentity(source)
    const imported = async (dataFolder: string, configFolder: string, name: string) => {
      const plan = await planImport({
        dataFolder,
        configFolder,
        storeFolder: folder.file(name, "store"),
        identityFolder: folder.file(name, "identity"),
        now: NOW,
      })
      await runImport(plan, { now: () => 0 })
      return { plan, store: await openLmdbStore({ folder: folder.file(name, "store"), sync: false }) }
    }
    const first = await imported(source, source, "first")
    const target = folder.file("exported")
    await exportStore({
      store: first.store,
      identityFolder: folder.file("first", "identity"),
      folder: target,
      now: NOW,
    })
    const second = await imported(exportedData(target), exportedConfig(target), "second")
    expect(second.plan.identity?.found.fingerprint).toEqual(fingerprint)
    expect(await digestOf(second.store)).toBe(await digestOf(first.store))
    await first.store.close()
    await second.store.close()
    expect((await stat(dataFiles(exportedData(target)).storeLog)).mode & 0o777).toBe(0o600)
    expect((await readdir(exportedConfig(target))).sort()).toEqual([
      "ca.crt",
      "ca.key",
      "fingerprint",
      "server.crt",
      "server.key",
    ])
  })

  it("leaves out or changes what the reference could not read, and says so", async () => {
    await using folder = await temporaryFolder()
    const empty = new Uint8Array(0)
    const queues: ImportedQueue[] = [
      {
        queue: { ...queueOf(1), updatedAt: 0, linkId: idOf("link", 1) },
        linkData: { fixedData: new Uint8Array([1]), userData: empty },
        messages: [
          { kind: "message", id: idOf("message", 1), timestamp: 1, notify: false, body: empty },
          { kind: "message", id: idOf("message", 2), timestamp: 2, notify: false, body: new Uint8Array([2]) },
        ],
      },
      {
        queue: { ...queueOf(2), updatedAt: 0, linkId: idOf("link", 2) },
        messages: Array.from({ length: 130 }, (_, n) => ({
          kind: "message" as const,
          id: idOf("message", n),
          timestamp: n,
          notify: false,
          body: new Uint8Array([n]),
        })),
      },
    ]
    const store = await storeOf({ services: [], queues, notifications: [] })
    const problems: Problem[] = []
    const target = folder.file("exported")
    const summary = await exportStore(
      { store, folder: target, now: NOW },
      { onProblem: (problem) => problems.push(problem) },
    )
    const files = dataFiles(exportedData(target))
    expect(problems).toEqual([
      {
        file: files.storeLog,
        line: 1,
        effect: "changed",
        reason: expect.stringContaining("link data is missing or empty"),
      },
      { file: files.messages, effect: "skipped", reason: expect.stringContaining("empty body") },
      {
        file: files.storeLog,
        line: 2,
        effect: "changed",
        reason: expect.stringContaining("link data is missing or empty"),
      },
      { file: files.messages, line: 130, effect: "noted", reason: expect.stringContaining("more than 128 messages") },
    ])
    expect(summary).toMatchObject({ queues: 2, messages: 131, skipped: 1, changed: 2 })
    expect(await readFile(files.storeLog, "latin1")).not.toContain("link_id")
  })

  it("refuses a folder with something in it, and leaves nothing behind when it is ended", async () => {
    await using folder = await temporaryFolder()
    const store = createMemoryStore()
    await mkdir(folder.file("taken"))
    await writeFile(folder.file("taken", "x"), "")
    await expect(exportStore({ store, folder: folder.file("taken"), now: NOW })).rejects.toThrow(OperatorError)
    const signal = AbortSignal.abort(new Error("enough"))
    await expect(exportStore({ store, folder: folder.file("new"), now: NOW }, { signal })).rejects.toThrow("enough")
    expect(await readdir(folder.path)).toEqual(["taken"])
  })
})
