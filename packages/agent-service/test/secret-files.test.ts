import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { secretFile } from "../src/secret-files.ts"

it("makes a secret once, and takes no empty one, which everybody would know", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-secret-"))
  try {
    const path = join(folder, "token")
    const made = (await secretFile(path)).reveal()
    expect(made).toMatch(/^[\w-]{43}$/)
    expect((await secretFile(path)).reveal()).toBe(made)
    expect(await readFile(path, "utf8")).toBe(`${made}\n`)
    await writeFile(path, "\n")
    await expect(secretFile(path)).rejects.toThrow("is empty")
  } finally {
    await rm(folder, { recursive: true })
  }
})
