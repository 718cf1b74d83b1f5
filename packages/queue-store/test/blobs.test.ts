import { expect, it } from "vitest"
import { blobsOf } from "../src/blob-store.ts"
import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import { createMemoryStore } from "../src/memory/memory-store.ts"
import { blobStoreContract } from "./contract/blobs.ts"
import { temporaryFolders } from "./temporary-folders.ts"

const temporaryFolder = temporaryFolders()

blobStoreContract("memory", () => Promise.resolve(createMemoryStore()))
blobStoreContract("LMDB", async () => openLmdbStore({ folder: await temporaryFolder(), sync: false }))

it("LMDB keeps blobs over a restart", async () => {
  const folder = await temporaryFolder()
  const id = new Uint8Array(32).fill(1)
  const blob = { key: Uint8Array.of(1), writtenAt: 5, data: new Uint8Array(16_048) }
  const first = await openLmdbStore({ folder, sync: false })
  await blobsOf(first)?.writeBlob(id, blob, { limit: 1 })
  await first.close()
  const second = await openLmdbStore({ folder, sync: false })
  expect(await blobsOf(second)?.readBlob(id)).toEqual(blob)
  expect(await blobsOf(second)?.countBlobs()).toBe(1)
  await second.close()
})
