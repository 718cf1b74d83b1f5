import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import { createMemoryStore } from "../src/memory/memory-store.ts"
import type { QueueStore } from "../src/queue-store.ts"
import { rid, service } from "./fixtures.ts"
import { expectSame } from "./model/compare.ts"
import { Driver } from "./model/driver.ts"
import { groups, type Operation } from "./model/operations.ts"
import { ReferenceModel } from "./model/reference-model.ts"
import { temporaryFolders } from "./temporary-folders.ts"

const newFolder = temporaryFolders()

const stores: Record<string, () => Promise<QueueStore>> = {
  memory: async () => createMemoryStore(),
  LMDB: async () => openLmdbStore({ folder: await newFolder() }),
  "LMDB with groups of three": async () => openLmdbStore({ folder: await newFolder(), groupLimit: 3 }),
  "LMDB shared by processes": async () => openLmdbStore({ folder: await newFolder(), shared: true }),
}

describe.each(Object.entries(stores))("%s behaves as the reference model", (_, make) => {
  let store: QueueStore
  beforeAll(async () => {
    store = await make()
    for (const n of [1, 2, 3]) await store.registerService(service(n))
  })
  afterAll(() => store.close())

  it("for any groups of operations that are started together", async () => {
    await fc.assert(
      fc.asyncProperty(groups, async (operations) => {
        try {
          await expectSameBehaviour(store, operations)
        } finally {
          await Promise.all([1, 2, 3, 4].map((n) => store.deleteQueue(rid(n))))
        }
        // Nothing is left behind, and the next run begins with an empty store.
        expect(await store.counts()).toMatchObject({ queues: 0, messages: 0, notifications: 0, services: 3 })
        await expectSame(store, new ReferenceModel())
      }),
      { numRuns: 60, interruptAfterTimeLimit: 20_000 },
    )
  })
})

async function expectSameBehaviour(store: QueueStore, groupsOfOperations: readonly Operation[][]): Promise<void> {
  const model = new ReferenceModel()
  const driver = new Driver(store)
  for (const group of groupsOfOperations) {
    const expected: string[] = []
    const started: Promise<string>[] = []
    for (const operation of group) {
      const resolved = driver.resolve(operation, model)
      expected.push(model.apply(resolved))
      started.push(driver.start(resolved, model.subscriptions))
    }
    expect(await Promise.all(started)).toEqual(expected)
    await expectSame(store, model)
  }
}
