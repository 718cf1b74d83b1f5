import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { StoreError } from "@sluice/queue-store/store-error"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { message, queue, rid } from "../../../packages/queue-store/test/fixtures.ts"
import { Snapshots } from "./snapshots.ts"

let data: string

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "snapshots-"))
})

afterEach(() => rm(data, { recursive: true }))

const now = (): number => Date.UTC(2025, 5, 30, 12, 34, 56, 789)

/** A store that only notes where it was asked to write. */
function snapshots(snapshot: (folder: string) => Promise<void> = async () => undefined) {
  const folders: string[] = []
  const store = {
    snapshot: (folder: string): Promise<void> => {
      folders.push(folder)
      return snapshot(folder)
    },
  }
  return { folders, snapshots: new Snapshots({ store, folder: join(data, "backups"), now }) }
}

describe("Snapshots", () => {
  it("are stores, made while the store serves", async () => {
    await using store = await openLmdbStore({ folder: join(data, "store"), sync: false })
    await store.createQueue(queue(1))
    await store.enqueue(rid(1), message(1), { quota: 9 })
    const taken = new Snapshots({ store, folder: join(data, "backups"), now }).take()
    await store.enqueue(rid(1), message(2), { quota: 9 })
    const folder = join(data, "backups", "2025-06-30T12-34-56Z")
    expect(await taken).toEqual({ result: "written", folder, ms: 0 })
    expect((await stat(join(data, "backups"))).mode & 0o777).toBe(0o700)
    await using copy = await openLmdbStore({ folder, sync: false })
    expect((await copy.peek([rid(1)]))[0]?.head).toEqual(message(1))
  })

  it("have the name that was given", async () => {
    const { snapshots: taking, folders } = snapshots()
    expect(await taking.take("before-upgrade_2")).toMatchObject({ result: "written" })
    expect(folders).toEqual([join(data, "backups", "before-upgrade_2")])
  })

  it.each(["", ".", "..", "../x", "a/b", "/etc", "a\\b", "a.partial", "-x", "a b", "a\0", "ä", "x".repeat(65)])(
    "are never outside of their folder: %j",
    async (name) => {
      const { snapshots: taking, folders } = snapshots()
      expect(await taking.take(name)).toEqual({ result: "bad-name" })
      expect([folders, await readdir(data)]).toEqual([[], []])
    },
  )

  it("do not replace others", async () => {
    const { snapshots: taking } = snapshots(async (folder) => {
      await mkdir(folder)
    })
    expect(await taking.take("a")).toMatchObject({ result: "written" })
    expect(await taking.take("a")).toEqual({ result: "exists" })
  })

  it("are taken one at a time, also after one that failed", async () => {
    const { promise: disk, resolve: fill } = Promise.withResolvers<void>()
    const { snapshots: taking, folders } = snapshots(async () => {
      await disk
      throw new StoreError({ code: "STORE_FULL", operation: "snapshot" })
    })
    const first = taking.take("a")
    expect(await taking.take("b")).toEqual({ result: "busy" })
    fill()
    await expect(first).rejects.toThrow(StoreError)
    await expect(taking.take("b")).rejects.toThrow(StoreError)
    expect(folders).toHaveLength(2)
  })

  it("need the embedded store", async () => {
    const taking = new Snapshots({ store: undefined, folder: join(data, "backups"), now })
    expect(await taking.take()).toEqual({ result: "not-embedded" })
    expect(await readdir(data)).toEqual([])
  })
})
