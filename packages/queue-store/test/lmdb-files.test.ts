import { mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { open } from "lmdb"
import { describe, expect, it } from "vitest"
import { type LmdbStore, openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import type { BinaryRoot } from "../src/lmdb/lmdb-tables.ts"
import { checkSchema, openRoot } from "../src/lmdb/open-root.ts"
import { LMDB_SCHEMA } from "../src/schemas.ts"
import { StoreError } from "../src/store-error.ts"
import { message, QUOTA, queue, rid } from "./fixtures.ts"
import { temporaryFolders } from "./temporary-folders.ts"

const newFolder = temporaryFolders()
const SCHEMA_KEY = new TextEncoder().encode("sluice queue store")

describe("files of the LMDB store", () => {
  it("are readable only for their owner", async () => {
    const folder = await newFolder()
    const store = await openLmdbStore({ folder })
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o077).toBe(0)
    expect((await stat(folder)).mode & 0o077).toBe(0)
    await store.close()
  })

  it("can lie in a folder with a dot in its name", async () => {
    const folder = `${await newFolder()}.db`
    const store = await openLmdbStore({ folder })
    await store.close()
    expect((await readdir(folder)).sort()).toEqual(["data.mdb", "lock.mdb"])
  })

  it.each([
    ["text", new TextEncoder().encode("SQLite format 3\u0000".repeat(5000))],
    ["zeros", new Uint8Array(100_000)],
    ["one byte", new Uint8Array(1)],
    ["noise", new Uint8Array(100_000).map((_, i) => (i * i * 31 + i) >> 3)],
  ])("that are foreign are refused: %s", async (_, bytes) => {
    const folder = await newFolder()
    await mkdir(folder)
    await writeFile(join(folder, "data.mdb"), bytes)
    await expectCorrupt(openLmdbStore({ folder }))
    expect(new Uint8Array(await readFile(join(folder, "data.mdb")))).toEqual(new Uint8Array(bytes))
  })

  it("of another LMDB program are refused", async () => {
    const folder = await newFolder()
    const other = open({ path: folder, noSubdir: false })
    await other.put("hello", "world")
    await other.close()
    const error = await expectCorrupt(openLmdbStore({ folder }))
    expect(String(error.cause)).toContain("another program")
  })

  it("of a newer version are refused, with both versions named", async () => {
    const folder = await storeWithMessages(1)
    const root = open({ path: folder, noSubdir: false, encoding: "binary", keyEncoding: "binary" })
    await root.put(SCHEMA_KEY, Uint8Array.of(3))
    await root.close()
    const error = await expectCorrupt(openLmdbStore({ folder }))
    expect(String(error.cause)).toMatch(/schema version 3.* knows 2/)
  })

  it("of version 1, without a table for recent messages, are taken over", async () => {
    const folder = await storeWithMessages(3)
    const root = open({ path: folder, noSubdir: false, maxDbs: 32, encoding: "binary", keyEncoding: "binary" })
    const [recent, settled] = [root.openDB({ name: "recentMessages" }), root.openDB({ name: "messages" })]
    for (const { key, value } of recent.getRange()) {
      await settled.put(key, value)
      await recent.remove(key)
    }
    await root.put(SCHEMA_KEY, Uint8Array.of(1))
    await root.close()
    const store = await openLmdbStore({ folder })
    expect(await store.messages(rid(1))).toHaveLength(3)
    await store.enqueue(rid(1), message(3), { quota: 10 })
    expect(await store.messages(rid(1))).toHaveLength(4)
    await store.close()
    const upgraded = open({ path: folder, noSubdir: false, maxDbs: 32, encoding: "binary", keyEncoding: "binary" })
    expect(upgraded.get(SCHEMA_KEY)).toEqual(Buffer.of(2))
    await upgraded.close()
  })

  it("of an older version take every step once, each of them whole or not at all", async () => {
    const folder = await storeWithMessages(1)
    const taken: number[] = []
    const step = (to: number, run: (root: BinaryRoot) => void = () => undefined) => ({
      ...{ to, what: "a test" },
      run: (root: BinaryRoot) => {
        taken.push(to)
        run(root)
      },
    })
    const note = new TextEncoder().encode("noted by a step")
    const root = await openRoot(folder, { sync: false, pageSize: 4096 })
    const fails = step(4, (target) => {
      target.putSync(note, Uint8Array.of(4))
      throw new Error("killed")
    })
    expect(() => checkSchema(root, { ...LMDB_SCHEMA, version: 4, steps: [step(3), fails] })).toThrow("killed")
    expect([root.getBinary(SCHEMA_KEY)?.[0], root.getBinary(note)]).toEqual([3, undefined])
    const works = step(4, (target) => void target.putSync(note, Uint8Array.of(4)))
    for (const _ of [1, 2]) checkSchema(root, { ...LMDB_SCHEMA, version: 4, steps: [step(3), works] })
    expect([root.getBinary(SCHEMA_KEY)?.[0], root.getBinary(note)?.[0]]).toEqual([4, 4])
    expect(taken).toEqual([3, 4, 4])
    await root.close()
    expect(String((await expectCorrupt(openLmdbStore({ folder }))).cause)).toMatch(/schema version 4.* knows 2/)
  })

  it("that end too early give errors, not an end of the process", { timeout: 30_000 }, async () => {
    const whole = await storeWithMessages(300)
    const { size } = await stat(join(whole, "data.mdb"))
    let damaged = 0
    for (let length = 1000; length < size; length += Math.ceil(size / 12)) {
      const folder = await newFolder()
      await mkdir(folder)
      await writeFile(join(folder, "data.mdb"), await readFile(join(whole, "data.mdb")))
      await truncate(join(folder, "data.mdb"), length)
      const problems = await problemsOf(folder)
      for (const problem of problems) expect(problem).toMatch(/^STORE_(CORRUPT|UNAVAILABLE)/)
      if (problems.length > 0) damaged++
    }
    expect(damaged).toBeGreaterThan(8)
  })

  it("that are empty make a new store", async () => {
    const folder = await newFolder()
    await mkdir(folder)
    await writeFile(join(folder, "data.mdb"), "")
    const store = await openLmdbStore({ folder })
    expect(await store.createQueue(queue(1))).toEqual({ created: true })
    await store.close()
  })

  it("cannot be opened where there is a file instead of a folder", async () => {
    const folder = await newFolder()
    await writeFile(folder, "")
    const error = await rejection(openLmdbStore({ folder }))
    expect(error.problem).toEqual({ code: "STORE_UNAVAILABLE", operation: "open" })
    expect(error.retryable).toBe(true)
  })
})

describe("a snapshot of the LMDB store", () => {
  it("is a store as of one moment, written while the store serves", async () => {
    const folder = await storeWithMessages(200)
    const store = await openLmdbStore({ folder })
    const target = await newFolder()
    let done = false
    const snapshot = store.snapshot(target).then(() => {
      done = true
    })
    const before = (await store.counts()).messages
    let sent = 0
    while (!done || sent === 0) {
      await store.enqueue(rid(1), message(5000 + sent), { quota: 10_000 })
      sent++
    }
    await snapshot
    const copy = await openLmdbStore({ folder: target })
    const stored = await copy.messages(rid(1))
    expect(stored.length).toBeGreaterThanOrEqual(before)
    expect(stored.length).toBeLessThanOrEqual(before + sent)
    expect((await copy.counts()).messages).toBe(stored.length)
    expect((await store.messages(rid(1))).slice(0, stored.length)).toEqual(stored)
    // The copy is a store of its own.
    await copy.deleteQueue(rid(1))
    expect(await store.queueByRecipient(rid(1))).toBeDefined()
    await copy.close()
    await store.close()
  })

  it("does not replace a folder, and leaves nothing half done", async () => {
    const store = await openLmdbStore({ folder: await newFolder() })
    const target = await newFolder()
    await mkdir(target)
    const error = await rejection(store.snapshot(target))
    expect(error.problem.operation).toBe("snapshot")
    expect(await readdir(target)).toEqual([])
    await expect(stat(`${target}.partial`)).rejects.toThrow()
    await store.close()
    expect((await rejection(store.snapshot(target))).problem.code).toBe("STORE_CLOSED")
  })

  it("is complete before the store closes", async () => {
    const store = await openLmdbStore({ folder: await storeWithMessages(100) })
    const target = await newFolder()
    const snapshot = store.snapshot(target)
    await store.close()
    await snapshot
    const copy = await openLmdbStore({ folder: target })
    expect((await copy.counts()).messages).toBe(100)
    await copy.close()
  })
})

describe("trimming the LMDB store", () => {
  it("disturbs nothing that is under way", async () => {
    const store = await openLmdbStore({ folder: await newFolder() })
    await store.createQueue(queue(1), { subscriber: "a" })
    const sent: Promise<unknown>[] = []
    const read: Promise<unknown>[] = []
    const trimmed: Promise<void>[] = []
    for (let n = 0; n < 200; n++) {
      sent.push(store.enqueue(rid(1), message(n), { quota: 1000 }))
      if (n % 40 === 0) trimmed.push(store.trim())
      if (n % 10 === 0) await sent.at(-1)
      read.push(store.queueByRecipient(rid(1)))
    }
    await Promise.all([...sent, ...trimmed])
    expect(await Promise.all(read)).toEqual(Array.from({ length: 200 }, () => queue(1)))
    expect(await store.messages(rid(1))).toEqual(Array.from({ length: 200 }, (_, n) => message(n)))
    expect(store.subscriptions).toBe(1)
    await Promise.all([store.trim(), store.snapshot(await newFolder()), store.trim(), store.close()])
    expect((await rejection(store.trim())).problem.code).toBe("STORE_CLOSED")
  })
})

describe("figures of the LMDB store", () => {
  it("count groups, their operations and sizes, and rejections", async () => {
    const store = await openLmdbStore({ folder: await newFolder() })
    await store.createQueue(queue(1))
    await Promise.all(Array.from({ length: 20 }, (_, n) => store.enqueue(rid(1), message(n), { quota: 99 })))
    const { commits, operations, commitSeconds, groupSizes, failures, rejections } = store.figures
    expect({ operations, failures, rejections }).toEqual({ operations: 21, failures: 0, rejections: 0 })
    expect(commits).toBeLessThanOrEqual(3)
    expect(commitSeconds).toBeGreaterThan(0)
    expect(groupSizes.reduce((sum, count) => sum + count)).toBe(commits)
    expect(groupSizes[0]).toBeGreaterThanOrEqual(1)
    await store.registerService({ ...serviceWithoutId() }).catch(() => undefined)
    expect(store.figures.rejections).toBe(1)
    await store.close()
  })
})

function serviceWithoutId(): Parameters<LmdbStore["registerService"]>[0] {
  return { serviceId: new Uint8Array(3), role: "M", fingerprint: new Uint8Array(32), certificates: [], createdAt: 0 }
}

async function storeWithMessages(count: number): Promise<string> {
  const folder = await newFolder()
  const store = await openLmdbStore({ folder })
  await store.createQueue(queue(1))
  for (let n = 2; n < 200; n++) void store.createQueue(queue(n))
  const body = new Uint8Array(3000).fill(7)
  await Promise.all(
    Array.from({ length: count }, (_, n) => store.enqueue(rid(1), message(n, { body }), { quota: 10_000 })),
  )
  await store.close()
  return folder
}

/** What goes wrong with a damaged store: when it is opened, read, written. */
async function problemsOf(folder: string): Promise<string[]> {
  const problems: string[] = []
  const note = async (promise: Promise<unknown>) => {
    await promise.catch((error: unknown) => {
      problems.push(error instanceof StoreError ? error.message : `not a StoreError: ${String(error)}`)
    })
  }
  let store: LmdbStore
  try {
    store = await openLmdbStore({ folder })
  } catch (error) {
    return [error instanceof StoreError ? error.message : `not a StoreError: ${String(error)}`]
  }
  await note(store.queues({ limit: 1000 }))
  await note(store.messages(rid(1)))
  await note(store.createQueue(queue(900)))
  await note(store.enqueue(rid(1), message(900), QUOTA))
  await note(store.deleteQueue(rid(1)))
  await store.close()
  return problems
}

async function expectCorrupt(opening: Promise<LmdbStore>): Promise<StoreError> {
  const error = await rejection(opening)
  expect(error.problem).toEqual({ code: "STORE_CORRUPT", operation: "open" })
  expect(error.retryable).toBe(false)
  return error
}

async function rejection(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof StoreError)) throw new Error(`no StoreError: ${String(error)}`)
  return error
}
