import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis } from "@sluice/redis/connection"
import { afterEach, describe, expect, it } from "vitest"
import { haveRedis } from "../../redis/test/redis-program.ts"
import { startRedis } from "../../redis/test/start-redis.ts"
import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import { createMemoryStore } from "../src/memory/memory-store.ts"
import { compareStores } from "../src/migration/compare-stores.ts"
import {
  type MigrationState,
  type MovableStore,
  migrateStore,
  NOTHING_MIGRATED,
} from "../src/migration/migrate-store.ts"
import { replaceRedisCounts } from "../src/redis/recount.ts"
import { openRedisStore } from "../src/redis/redis-store.ts"
import { fillStore } from "./filled-store.ts"
import { message, queue, rid, service } from "./fixtures.ts"
import { temporaryFolders } from "./temporary-folders.ts"

const newFolder = temporaryFolders()
const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]()
})

/** A store that fails at its `n`th change, before or after it is made; every later one fails as well. */
function mortal(store: MovableStore, n: number, late: boolean): MovableStore {
  let changes = 0
  const dying = <A extends readonly unknown[], T>(change: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      const last = ++changes >= n
      if (last && !(late && changes === n)) throw new Error("killed")
      const result = await change(...args)
      if (last) throw new Error("killed")
      return result
    }
  }
  return {
    ...store,
    importQueues: dying(store.importQueues),
    importNotifications: dying(store.importNotifications),
    importServices: dying(store.importServices),
    blobs: { ...store.blobs, writeBlob: dying(store.blobs.writeBlob) },
  }
}

describe("a migration between stores", () => {
  it("killed at any change goes on where it was, and ends with everything", async () => {
    const source = createMemoryStore()
    await fillStore(source, 40)
    for (const late of [false, true]) {
      for (let n = 1; n < 100; n += 3) {
        const target = createMemoryStore()
        let state: MigrationState = NOTHING_MIGRATED
        const save = async (next: MigrationState): Promise<void> => {
          state = next
        }
        const run = (into: MovableStore) => migrateStore({ source, target: into, state, save, batch: 7 })
        const died = await run(mortal(target, n, late)).then(
          () => false,
          () => true,
        )
        const copied = await run(target)
        const { equal, counts } = await compareStores(source, target)
        expect(equal).toBe(true)
        expect(copied).toMatchObject({ queues: 40, services: 3, blobs: 4, notifications: counts.notifications })
        expect(await target.counts()).toEqual(await source.counts())
        if (!died) break
      }
    }
  })

  it("notices whatever differs, in both directions", async () => {
    const first = createMemoryStore()
    await fillStore(first, 40)
    const changes: readonly [kind: string, change: (store: MovableStore) => Promise<unknown>][] = [
      ["queues", (store) => store.touch([rid(7)], 30_000 * 86_400)],
      ["queues", (store) => store.createQueue(queue(1000))],
      ["messages", (store) => store.enqueue(rid(1), message(1), { quota: 9 })],
      ["links", (store) => store.setLink(rid(3), queueLink, { fixedData: linkFixed, userData: new Uint8Array(9) })],
      ["notifications", (store) => store.expireNotifications({ before: 1e9, limit: 1000 })],
      ["services", (store) => store.registerService(service(9))],
      ["blobs", (store) => store.blobs.expireBlobs({ before: 2001, limit: 10 })],
    ]
    const { linkId: queueLink = new Uint8Array() } = (await first.queueByRecipient(rid(3))) ?? queue(3)
    const { fixedData: linkFixed } = (await first.linkData(rid(3))) ?? { fixedData: new Uint8Array() }
    for (const [kind, change] of changes) {
      const second = createMemoryStore()
      await fillStore(second, 40)
      expect((await compareStores(first, second)).equal).toBe(true)
      await change(second)
      for (const [a, b] of [
        [first, second],
        [second, first],
      ] as const) {
        const { equal, differences } = await compareStores(a, b)
        expect([kind, equal]).toEqual([kind, false])
        expect(differences).toMatchObject({ [kind]: expect.any(Number) })
        expect(differences[kind as keyof typeof differences]).toBeGreaterThan(0)
      }
    }
  })

  it("refuses a target with something else in it", async () => {
    const [source, target] = [createMemoryStore(), createMemoryStore()]
    await source.createQueue(queue(1))
    await target.createQueue(queue(2, { senderId: queue(1).senderId }))
    const migration = migrateStore({ source, target, state: NOTHING_MIGRATED, save: () => Promise.resolve() })
    await expect(migration).rejects.toThrow(/other data under 1 ID/)
  })

  it.skipIf(!haveRedis)("goes from the embedded store to Redis and back", { timeout: 60_000 }, async () => {
    const redis = await startRedis()
    open.push(redis)
    const connection = openRedis(redis.config(), { log: silentLog, clock: systemClock })
    open.push(connection)
    await connection.ready(5000)
    const [first, second] = [await openLmdbStore({ folder: await newFolder() }), openRedisStore({ connection })]
    const third = await openLmdbStore({ folder: await newFolder() })
    open.push(first, second, third)
    await fillStore(first, 1500)
    const save = (): Promise<void> => Promise.resolve()
    await migrateStore({ source: first, target: second, state: NOTHING_MIGRATED, save })
    const forth = await compareStores(first, second)
    expect(forth).toMatchObject({ equal: true, counts: await first.counts() })
    // Sends what the store gathered, as its end would: afterwards it must not add that to what was counted.
    await second.counts()
    await connection.command(["DEL", `${connection.prefix}counts`])
    await replaceRedisCounts({ connection }, forth.counts)
    expect(await second.counts()).toEqual(await first.counts())
    await migrateStore({ source: second, target: third, state: NOTHING_MIGRATED, save })
    expect(await compareStores(first, third)).toMatchObject({ equal: true })
    expect(await third.counts()).toEqual(await first.counts())
  })
})
