import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { nativeCrypto } from "../native.ts"
import { sha256OfFile } from "./file-digest.ts"

it("digests files as it digests bytes, whatever their size", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-digest-"))
  try {
    for (const size of [0, 1, (1 << 20) - 1, 1 << 20, 3_000_000]) {
      const bytes = new Uint8Array(size).map((_, i) => i * 31)
      await writeFile(join(folder, "file"), bytes)
      expect(await sha256OfFile(join(folder, "file"))).toEqual(nativeCrypto.sha256(bytes))
    }
    await expect(sha256OfFile(join(folder, "none"))).rejects.toThrow("ENOENT")
  } finally {
    await rm(folder, { recursive: true })
  }
})
