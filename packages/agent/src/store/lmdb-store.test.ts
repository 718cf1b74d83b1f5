import { mkdtemp, readFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { utf8 } from "@sluice/encoding/bytes"
import { open } from "lmdb"
import { describe, expect, it } from "vitest"
import { agentStoreContract } from "../../test/agent-store-contract.ts"
import { id, received } from "../../test/records.ts"
import type { AgentStore } from "./agent-store.ts"
import { lmdbStore } from "./lmdb-store.ts"
import { keyBytes } from "./tables.ts"
import { decodeValue, encodeValue } from "./value-code.ts"

const CHEAP = { memoryKiB: 64, passes: 1, lanes: 1 }

/** Stores in a folder that goes away with it. */
class Folder implements AsyncDisposable {
  readonly path: string
  readonly #opened: AgentStore[] = []

  constructor(path: string) {
    this.path = path
  }

  static async make(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), "sluice-agent-store-")))
  }

  async open(passphrase = "a passphrase"): Promise<AgentStore> {
    const store = await lmdbStore({ folder: this.path, passphrase, cost: CHEAP })
    this.#opened.push(store)
    return store
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#opened) await store.close()
    await rm(this.path, { recursive: true })
  }
}

describe("the LMDB store", () => {
  agentStoreContract(async () => {
    const folder = await Folder.make()
    return {
      store: await folder.open(),
      reopen: () => folder.open(),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    }
  })

  it("opens only with its passphrase", async () => {
    await using folder = await Folder.make()
    await (await folder.open("right")).close()
    await expect(folder.open("wrong")).rejects.toMatchObject({ problem: { code: "WRONG_PASSPHRASE" } })
    await expect(folder.open("right")).resolves.toBeDefined()
  })

  it("refuses files of a later version, and names both", async () => {
    await using folder = await Folder.make()
    await (await folder.open()).close()
    const header = utf8("\0sluice agent store")
    const raw = open<Uint8Array, Uint8Array>({
      ...{ path: folder.path, noSubdir: false, keyEncoding: "binary", encoding: "binary" },
    } as Parameters<typeof open<Uint8Array, Uint8Array>>[0])
    const written = decodeValue(raw.getBinary(header) ?? new Uint8Array()) as object
    await raw.put(header, encodeValue({ ...written, version: 2 }))
    await raw.close()
    const error = await folder.open().then(
      () => undefined,
      (refusal: unknown) => refusal,
    )
    expect(error).toMatchObject({ problem: { code: "FORMAT" } })
    expect(String((error as Error).cause)).toMatch(/schema version 2, this program knows 1/)
  })

  it("shows nothing of a record in its files, which only their owner can read", async () => {
    await using folder = await Folder.make()
    const secret = utf8("nobody else is to read these words")
    const store = await folder.open()
    await store.commit([{ table: "received", put: { ...received(1, 1), body: secret } }])
    await store.close()
    const file = join(folder.path, "data.mdb")
    expect((await readFile(file)).includes(Buffer.from(secret))).toBe(false)
    expect((await stat(file)).mode & 0o077).toBe(0)
  })

  it("notices a value that was changed, or put into another row", async () => {
    await using folder = await Folder.make()
    const store = await folder.open()
    await store.commit([
      { table: "received", put: received(1, 1) },
      { table: "received", put: received(1, 2) },
    ])
    await store.close()
    const raw = open<Uint8Array, Uint8Array>({
      path: folder.path,
      keyEncoding: "binary",
      encoding: "binary",
      noSubdir: false,
    } as never)
    const [first, second] = [1, 2].map((n) => keyBytes("received", [id(1), n])) as [Uint8Array, Uint8Array]
    const value = Buffer.from(raw.getBinary(first) ?? [])
    await raw.put(second, value)
    await raw.put(
      first,
      value.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
    )
    await raw.close()
    const again = await folder.open()
    const damaged = { problem: { code: "DAMAGED", table: "received" } }
    await expect(again.get("received", [id(1), 1])).rejects.toMatchObject(damaged)
    await expect(again.get("received", [id(1), 2])).rejects.toMatchObject(damaged)
  })

  it("is opened by one at a time", async () => {
    await using folder = await Folder.make()
    const first = await folder.open()
    await expect(folder.open()).rejects.toMatchObject({ problem: { code: "IN_USE" } })
    await first.close()
    await expect(folder.open("another")).rejects.toMatchObject({ problem: { code: "WRONG_PASSPHRASE" } })
    await folder.open()
  })

  it("refuses a folder of another program", async () => {
    await using folder = await Folder.make()
    const other = open<string, string>({ path: folder.path, noSubdir: false })
    await other.put("key", "value")
    await other.close()
    await expect(folder.open()).rejects.toMatchObject({ problem: { code: "FORMAT" } })
  })
})
