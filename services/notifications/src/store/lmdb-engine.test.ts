import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { open } from "lmdb"
import { describe, expect, it } from "vitest"
import { openLmdbEngine } from "./lmdb-engine.ts"

describe("files of the notification store", () => {
  it("of a later version are refused, with both versions named", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-ntf-store-"))
    try {
      await (await openLmdbEngine({ folder })).close()
      const root = open({ path: folder, noSubdir: false, encoding: "binary", keyEncoding: "binary" })
      await root.put(new TextEncoder().encode("sluice notifications store"), Uint8Array.of(2))
      await root.close()
      const error: unknown = await openLmdbEngine({ folder }).then(
        () => undefined,
        (refusal: unknown) => refusal,
      )
      expect(error).toMatchObject({ problem: "CORRUPT" })
      expect(String((error as Error).cause)).toMatch(/schema version 2, this program knows 1: run the newer program/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
