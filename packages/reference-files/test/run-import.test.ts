import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { OperatorError } from "@sluice/ops/operator-error"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import { identityFiles, loadCredentials } from "@sluice/transport/certificates"
import { describe, expect, it } from "vitest"
import { drySink, importRecords } from "../src/import-records.ts"
import { planImport } from "../src/plan-import.ts"
import type { Problem } from "../src/problem.ts"
import { dataFiles } from "../src/reference-names.ts"
import { buildFolder, runImport } from "../src/run-import.ts"
import { generateFiles } from "./generated-files.ts"
import { makeIdentity, NOW } from "./reference-server.ts"
import { importAndKill, importInChild } from "./run-child.ts"
import { digestOf } from "./store-content.ts"
import { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts"

const SMALL = { queues: 200, messages: 100, body: 50 }
const now = () => NOW * 1000

/** A stopped reference server with its two folders, and names of folders for what is imported. */
async function stoppedServer(folder: TemporaryFolder, size = SMALL) {
  const dataFolder = folder.file("var")
  const configFolder = folder.file("etc")
  await mkdir(dataFolder)
  await generateFiles(dataFolder, size)
  const fingerprint = await makeIdentity(configFolder)
  const options = {
    dataFolder,
    configFolder,
    storeFolder: folder.file("sluice", "store"),
    identityFolder: folder.file("sluice", "identity"),
    now: NOW,
  }
  return { options, fingerprint }
}

async function digestOfFolder(folder: string): Promise<string> {
  await using store = await openLmdbStore({ folder, sync: false })
  return await digestOf(store)
}

async function digestInMemory(dataFolder: string): Promise<string> {
  const store = createMemoryStore()
  await importRecords(dataFiles(dataFolder), store)
  return await digestOf(store)
}

describe("runImport", () => {
  it("makes the store and the identity, and nothing else", async () => {
    await using folder = await temporaryFolder()
    const { options, fingerprint } = await stoppedServer(folder)
    const problems: Problem[] = []
    const outcome = await runImport(await planImport(options), { now, onProblem: (problem) => problems.push(problem) })
    expect(outcome).toMatchObject({
      status: "imported",
      summary: { queues: 200, messages: 100, services: 3, skipped: 0, changed: 0 },
    })
    expect(problems).toEqual([])
    expect(await readdir(folder.file("sluice"))).toEqual(["identity", "store"])
    expect(await digestOfFolder(options.storeFolder)).toBe(await digestInMemory(options.dataFolder))
    const files = identityFiles(options.identityFolder)
    expect((await loadCredentials(nativeCrypto, files, NOW)).fingerprint).toEqual(fingerprint)
    for (const [name, path] of Object.entries(files)) {
      expect((await stat(path)).mode & 0o777).toBe(/key$/i.test(name) ? 0o600 : 0o644)
      expect(await readFile(path)).toEqual(await readFile(path.replace(options.identityFolder, options.configFolder)))
    }
  })

  it("does nothing a second time, but finish what was missing", async () => {
    await using folder = await temporaryFolder()
    const { options } = await stoppedServer(folder)
    const { summary } = await runImport(await planImport(options), { now })
    const digest = await digestOfFolder(options.storeFolder)
    expect(await runImport(await planImport(options), { now })).toEqual({ status: "finished-before", summary })
    // As if it was killed after the store got its name.
    await rm(identityFiles(options.identityFolder).caCertificate)
    expect(await runImport(await planImport(options), { now })).toEqual({ status: "finished-before", summary })
    await loadCredentials(nativeCrypto, identityFiles(options.identityFolder), NOW)
    expect(await digestOfFolder(options.storeFolder)).toBe(digest)
  })

  it("leaves certificates alone that were renewed after the import", async () => {
    await using folder = await temporaryFolder()
    const { options } = await stoppedServer(folder)
    await runImport(await planImport(options), { now })
    const { leafCertificate } = identityFiles(options.identityFolder)
    await writeFile(leafCertificate, "renewed")
    await runImport(await planImport(options), { now })
    expect(await readFile(leafCertificate, "utf8")).toBe("renewed")
  })

  it("writes nothing in a dry run, and counts the same", async () => {
    await using folder = await temporaryFolder()
    const { options } = await stoppedServer(folder)
    const dry = await runImport(await planImport(options), { now, dryRun: true })
    expect(await readdir(folder.path)).toEqual(["etc", "var"])
    const { summary } = await runImport(await planImport(options), { now })
    expect(dry).toEqual({ status: "dry-run", summary })
  })

  it("leaves nothing behind when it is ended or fails", async () => {
    await using folder = await temporaryFolder()
    const { options } = await stoppedServer(folder)
    const plan = await planImport(options)
    const signal = AbortSignal.abort(new Error("enough"))
    await expect(runImport(plan, { now, signal })).rejects.toThrow("enough")
    const openStore = async () => {
      const store = createMemoryStore()
      await store.close()
      return store
    }
    await expect(runImport(plan, { now, openStore })).rejects.toThrow("STORE_CLOSED")
    expect(await readdir(folder.file("sluice"))).toEqual([])
  })

  it.each([
    ["store-log", 0],
    ["messages", 0.5],
    ["queues", 0.5],
    ["notifications", 1],
  ])("run again after it was killed in %s, it ends as if nothing had happened", async (stage, part) => {
    await using folder = await temporaryFolder()
    const source = folder.file("source")
    const target = folder.file("target")
    await mkdir(source)
    await generateFiles(source, { queues: 2000, messages: 1000, body: 300 })
    await makeIdentity(source)
    await importAndKill(source, target, stage, part)
    expect(await readdir(target)).toEqual(["store.importing"])
    const { status, summary } = await importInChild(source, target)
    expect(await readdir(target)).toEqual(["identity", "store"])
    expect(status).toBe("imported")
    expect(summary).toEqual(await importRecords(dataFiles(source), drySink))
    expect(await digestOfFolder(`${target}/store`)).toBe(await digestInMemory(source))
  })
})

describe("planImport", () => {
  it("takes the copy that is there when compaction was interrupted, and says so", async () => {
    await using folder = await temporaryFolder()
    const { options } = await stoppedServer(folder)
    const { storeLog } = dataFiles(options.dataFolder)
    await writeFile(`${storeLog}.start`, await readFile(storeLog))
    await writeFile(storeLog, "")
    const plan = await planImport(options)
    expect(plan.records.storeLog).toBe(`${storeLog}.start`)
    expect(plan.notes).toEqual([expect.stringContaining("compacted")])
  })

  it("says what is missing", async () => {
    await using folder = await temporaryFolder()
    const { options } = await stoppedServer(folder)
    const { messages, notifications } = dataFiles(options.dataFolder)
    await rm(messages)
    await writeFile(`${messages}.bak`, "")
    await rm(notifications)
    await rm(identityFiles(options.configFolder).caKey)
    const { records, notes } = await planImport(options)
    expect(Object.keys(records)).toEqual(["storeLog"])
    expect(notes).toEqual([
      `no messages: ${messages} is written when the server is stopped with SIGINT; ${messages}.bak is from an earlier stop and is not taken`,
      `no notifications: ${notifications} is written when the server is stopped with SIGINT`,
      expect.stringContaining("no CA key"),
    ])
    const { configFolder: _config, ...withoutIdentity } = options
    const plan = await planImport(withoutIdentity)
    expect(plan.identity).toBeUndefined()
    expect(plan.notes).toContainEqual(expect.stringContaining("address is not taken over"))
  })

  it.each<[string, (folder: TemporaryFolder) => Promise<unknown>, RegExp]>([
    ["no store log", (folder) => rm(folder.file("var", "smp-server-store.log")), /has no smp-server-store.log/],
    [
      "a journal",
      (folder) => mkdir(folder.file("var", "messages", "ab"), { recursive: true }),
      /journal form.*smp-server journal export/,
    ],
    [
      "a database",
      (folder) =>
        writeFile(folder.file("etc", "smp-server.ini"), "[STORE_LOG]\nenable: on\nstore_queues: database\n[WEB]\n"),
      /store_queues = database.*smp-server database export/,
    ],
    [
      "journal messages by the settings",
      (folder) => writeFile(folder.file("etc", "smp-server.ini"), "[STORE_LOG]\nstore_messages = journal\n"),
      /store_messages = journal/,
    ],
    ["no certificate", (folder) => rm(folder.file("etc", "ca.crt")), /ca.crt: file not found/],
    [
      "a fingerprint of something else",
      (folder) => writeFile(folder.file("etc", "fingerprint"), `${"A".repeat(43)}=`),
      /fingerprint: does not belong to/,
    ],
    [
      "another identity in the target",
      (folder) => makeIdentity(folder.file("sluice", "identity")),
      /identity of another server/,
    ],
    [
      "a store in the target",
      (folder) => mkdir(folder.file("sluice", "store", "x"), { recursive: true }),
      /has a store or other files in it/,
    ],
  ])("refuses %s", async (_, prepare, message) => {
    await using folder = await temporaryFolder()
    const { options } = await stoppedServer(folder)
    await prepare(folder)
    const failure = await planImport(options).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(OperatorError)
    expect(String(failure)).toMatch(message)
  })

  it("refuses a store that came from other files", async () => {
    await using folder = await temporaryFolder()
    const { options } = await stoppedServer(folder)
    await runImport(await planImport(options), { now })
    await utimes(dataFiles(options.dataFolder).messages, NOW, NOW)
    await expect(planImport(options)).rejects.toThrow(/was imported from other files on 2026-01-01/)
  })

  it("takes files that are named one by one, whatever else there is", async () => {
    await using folder = await temporaryFolder()
    const { options } = await stoppedServer(folder)
    const { dataFolder, ...rest } = options
    await writeFile(folder.file("etc", "smp-server.ini"), "[STORE_LOG]\nstore_queues = database\n")
    const files = dataFiles(dataFolder)
    const { records } = await planImport({ ...rest, ...files })
    expect(records).toEqual(files)
  })

  it("discards what an interrupted import left", async () => {
    await using folder = await temporaryFolder()
    const { options } = await stoppedServer(folder)
    const left = buildFolder(options.storeFolder)
    await mkdir(left, { recursive: true })
    await writeFile(`${left}/data.mdb`, "half of it")
    await runImport(await planImport(options), { now })
    expect(await digestOfFolder(options.storeFolder)).toBe(await digestInMemory(options.dataFolder))
  })
})
