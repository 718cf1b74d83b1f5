import { mkdtemp, readdir, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { openLmdbEngine } from "./lmdb-engine.ts"
import { snapshotNtfStore } from "./snapshot.ts"

it("copies a store that is at work, for its owner alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-ntf-snapshot-"))
  try {
    const [from, to] = [join(folder, "store"), join(folder, "copy")]
    const engine = await openLmdbEngine({ folder: from })
    const key = Uint8Array.of(1, 2, 3)
    await engine.change("put", () => engine.tables.tokens.put(key, Uint8Array.of(7)))
    await snapshotNtfStore(from, to)
    await engine.change("put", () => engine.tables.tokens.put(key, Uint8Array.of(8)))
    await engine.close()
    expect(await readdir(to)).toEqual(["data.mdb"])
    expect((await stat(join(to, "data.mdb"))).mode & 0o777).toBe(0o600)
    const copy = await openLmdbEngine({ folder: to })
    expect(copy.tables.tokens.get(key)).toEqual(Uint8Array.of(7))
    await copy.close()
    await expect(snapshotNtfStore(join(folder, "none"), join(folder, "other"))).rejects.toMatchObject({
      problem: "UNAVAILABLE",
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})
