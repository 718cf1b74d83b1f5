import { describe, expect, it } from "vitest"
import { type BlobStore, blobsOf, type StoredBlob } from "../../src/blob-store.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

const LIMIT = { limit: 100 }
const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const key = (n: number): Uint8Array => new Uint8Array(44).fill(n)

function blob(owner: number, writtenAt = 1000, content = 7): StoredBlob {
  return { key: key(owner), writtenAt, data: new Uint8Array(16_048).fill(content) }
}

/** What a store of blobs must do, whatever it keeps them in. */
export function blobStoreContract(name: string, make: MakeStore): void {
  describe(`${name}: contract of the blob store`, () => {
    const store = freshStore(make)
    const blobs = (): BlobStore => {
      const found = blobsOf(store())
      if (found === undefined) throw new Error("this store keeps no blobs")
      return found
    }

    /** A whole round; fails if it does not end. */
    async function expireInSteps(limit: number, before: number): Promise<number> {
      let expired = 0
      let cursor: Uint8Array | undefined
      for (let steps = 0; steps < 20; steps++) {
        const step = await blobs().expireBlobs({ before, limit, ...(cursor && { cursor }) })
        expect(step.expired).toBeLessThanOrEqual(limit)
        expired += step.expired
        cursor = step.cursor
        if (cursor === undefined) return expired
      }
      throw new Error("the round does not end")
    }

    it("gives back what was written, and nothing for other IDs", async () => {
      expect(await blobs().readBlob(id(1))).toBeUndefined()
      expect(await blobs().writeBlob(id(1), blob(1), LIMIT)).toEqual({ ok: true })
      expect(await blobs().readBlob(id(1))).toEqual(blob(1))
      expect(await blobs().readBlob(id(2))).toBeUndefined()
      expect(await blobs().readBlob(new Uint8Array(0))).toBeUndefined()
      expect(await blobs().readBlob(Uint8Array.of(0))).toBeUndefined()
      expect(await blobs().countBlobs()).toBe(1)
    })

    it("lets only the key that wrote a blob replace and remove it", async () => {
      await blobs().writeBlob(id(1), blob(1), LIMIT)
      expect(await blobs().writeBlob(id(1), blob(2, 2000, 8), LIMIT)).toEqual({ ok: false, refusal: "other-key" })
      expect(await blobs().readBlob(id(1))).toEqual(blob(1))
      expect(await blobs().writeBlob(id(1), blob(1, 2000, 8), LIMIT)).toEqual({ ok: true })
      expect(await blobs().readBlob(id(1))).toEqual(blob(1, 2000, 8))
      expect(await blobs().countBlobs()).toBe(1)

      expect(await blobs().clearBlob(id(1), key(2))).toBe(false)
      expect(await blobs().clearBlob(id(2), key(1))).toBe(false)
      expect(await blobs().clearBlob(id(1), key(1))).toBe(true)
      expect(await blobs().clearBlob(id(1), key(1))).toBe(false)
      expect(await blobs().readBlob(id(1))).toBeUndefined()
      expect(await blobs().countBlobs()).toBe(0)
      // Free again, for anybody who has the ID.
      expect(await blobs().writeBlob(id(1), blob(2), LIMIT)).toEqual({ ok: true })
    })

    it("keeps no more than the limit, but replaces at the limit", async () => {
      const limit = { limit: 2 }
      const writes = [1, 2, 3].map((n) => blobs().writeBlob(id(n), blob(n), limit))
      expect(await Promise.all(writes)).toEqual([{ ok: true }, { ok: true }, { ok: false, refusal: "full" }])
      expect(await blobs().writeBlob(id(2), blob(2, 3000), limit)).toEqual({ ok: true })
      expect(await blobs().countBlobs()).toBe(2)
      await blobs().clearBlob(id(1), key(1))
      expect(await blobs().writeBlob(id(3), blob(3), limit)).toEqual({ ok: true })
    })

    it("removes what was not written for long, in steps", async () => {
      for (let n = 1; n <= 7; n++) await blobs().writeBlob(id(n), blob(n, n * 100), LIMIT)
      await blobs().writeBlob(id(2), blob(2, 900), LIMIT)
      const before400 = await expireInSteps(3, 400)
      expect(before400).toBe(2)
      expect(await blobs().countBlobs()).toBe(5)
      const left = await Promise.all([1, 2, 3, 4, 5, 6, 7].map((n) => blobs().readBlob(id(n))))
      expect(left.map((found) => found?.writtenAt)).toEqual([undefined, 900, undefined, 400, 500, 600, 700])
      expect(await expireInSteps(2, 10_000)).toBe(5)
      expect(await blobs().countBlobs()).toBe(0)
    })

    it("lists them all, in steps", async () => {
      const ids = Array.from({ length: 300 }, (_, n) => new Uint8Array(32).fill(n & 0xff).fill(1 + (n >> 8), 0, 1))
      const small = { ...blob(1), data: Uint8Array.of(1) }
      await Promise.all(ids.map((each) => blobs().writeBlob(each, small, { limit: 1000 })))
      const found = new Set<string>()
      let cursor: Uint8Array | undefined
      let steps = 0
      do {
        const step = await blobs().listBlobs({ limit: 50, ...(cursor && { cursor }) })
        for (const each of step.ids) found.add(Buffer.from(each).toString("hex"))
        cursor = step.cursor
      } while (cursor !== undefined && ++steps < 100)
      expect([...found].sort()).toEqual(ids.map((each) => Buffer.from(each).toString("hex")).sort())
      expect(steps).toBeGreaterThan(2)
    })

    it("leaves queues alone", async () => {
      await blobs().writeBlob(id(1), blob(1), LIMIT)
      expect(await store().counts()).toMatchObject({ queues: 0, messages: 0 })
    })
  })
}
