import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { StoreError } from "../src/store/store-error.ts"
import { createMemoryStore, openEmbeddedStore } from "../src/store/table-store.ts"
import { ntfStoreContract } from "./store-contract.ts"

let root: string
let made = 0
const folder = (): string => join(root, String(made++))

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sluice-ntf-store-"))
})

afterAll(() => rm(root, { recursive: true, force: true }))

describe("in memory", () => ntfStoreContract(() => Promise.resolve(createMemoryStore())))

// Without waiting for the disk: what is tested is what a store does, not that the disk keeps it.
describe("embedded", () => ntfStoreContract(() => openEmbeddedStore({ folder: folder(), sync: false })))

describe("files of the embedded store", () => {
  it("keep everything from one process to the next", async () => {
    const path = folder()
    const first = await openEmbeddedStore({ folder: path })
    await first.check()
    await first.close()
    const second = await openEmbeddedStore({ folder: path })
    expect((await second.counts()).tokens).toBe(0)
    await second.close()
  })

  it("are refused where they are not of this program", async () => {
    const path = folder()
    const store = await openEmbeddedStore({ folder: path })
    await store.close()
    await writeFile(join(path, "data.mdb"), "something else")
    await expect(openEmbeddedStore({ folder: path })).rejects.toBeInstanceOf(StoreError)
  })
})
