import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { ensureFolder, writeFileAtomic } from "./atomic-file.ts"
import { OperatorError } from "./operator-error.ts"

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-ops-"))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

describe("writeFileAtomic", () => {
  it("writes text and bytes, for the owner alone unless said otherwise", async () => {
    const path = join(folder, "key.pem")
    await writeFileAtomic(path, "one")
    expect([await readFile(path, "utf8"), await modeOf(path)]).toEqual(["one", 0o600])
    await writeFileAtomic(path, Uint8Array.of(1, 2, 3), 0o666)
    expect([[...(await readFile(path))], await modeOf(path)]).toEqual([[1, 2, 3], 0o666])
    expect(await readdir(folder)).toEqual(["key.pem"])
  })

  it("replaces a file that anybody could read by one that only the owner can", async () => {
    const path = join(folder, "token")
    await writeFile(path, "old")
    await chmod(path, 0o644)
    await writeFileAtomic(path, "new")
    expect(await modeOf(path)).toBe(0o600)
  })

  it("keeps the old content and leaves nothing behind when it fails", async () => {
    const path = join(folder, "taken")
    await ensureFolder(join(path, "inner"))
    await expect(writeFileAtomic(path, "x")).rejects.toThrow(OperatorError)
    expect(await readdir(folder)).toEqual(["taken"])
  })

  it("names the file and the reason", async () => {
    const path = join(folder, "missing", "file")
    await expect(writeFileAtomic(path, "x")).rejects.toThrow(`cannot write ${path}: the folder does not exist (ENOENT)`)
  })

  it("survives many writers at once: the file is always one of their contents", async () => {
    const path = join(folder, "busy")
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(10_000))
    await Promise.all(contents.map((content) => writeFileAtomic(path, content)))
    expect(contents).toContain(await readFile(path, "utf8"))
    expect(await readdir(folder)).toEqual(["busy"])
  })
})

describe("ensureFolder", () => {
  it("creates folders for the owner alone and leaves those that exist", async () => {
    const inner = join(folder, "a", "b")
    await ensureFolder(inner)
    expect([await modeOf(inner), await modeOf(join(folder, "a"))]).toEqual([0o700, 0o700])
    await chmod(inner, 0o755)
    await ensureFolder(inner)
    expect(await modeOf(inner)).toBe(0o755)
  })

  it("refuses a file in its place", async () => {
    const path = join(folder, "file")
    await writeFile(path, "")
    await expect(ensureFolder(path)).rejects.toThrow(OperatorError)
    await expect(ensureFolder(join(path, "below"))).rejects.toThrow(/cannot create the folder/)
  })
})
