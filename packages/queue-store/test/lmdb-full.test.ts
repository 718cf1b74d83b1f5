import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import { message, rid } from "./fixtures.ts"
import { temporaryFolders } from "./temporary-folders.ts"

const newFolder = temporaryFolders()

/** Blocks of 512 bytes: some 10 MB, after which writing fails as on a full disk. */
const LIMIT = 20_000

describe.skipIf(process.platform === "win32")("the LMDB store without room", () => {
  it("refuses what needs room, does the rest, and goes on when there is room", async () => {
    const folder = await newFolder()
    const script = join(import.meta.dirname, "children", "filler.ts")
    const shell = `ulimit -f ${LIMIT}; trap '' XFSZ; exec "$0" "$@"`
    const { stdout } = await promisify(execFile)("sh", ["-c", shell, process.execPath, script, folder])
    const report = JSON.parse(stdout) as { stored: number; size: number }
    expect(report).toMatchObject({ problems: ["STORE_FULL"], acknowledged: "acknowledged", again: 50 })
    expect(report.stored).toBeGreaterThan(400)
    // What was refused is not there.
    expect(report.size).toBe(report.stored)

    const store = await openLmdbStore({ folder })
    expect((await store.queueInfo(rid(1))).size).toBe(report.stored - 100 + 50)
    expect(await store.enqueue(rid(1), message(1), { quota: 100_000 })).toMatchObject({ result: "stored" })
    await store.close()
  })
})
