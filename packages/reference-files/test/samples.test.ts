import { mkdir, readFile, writeFile } from "node:fs/promises"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import { describe, expect, it } from "vitest"
import { haveVectors, vectorText } from "../../../test/vectors.ts"
import { exportedData, exportStore } from "../src/export-store.ts"
import { importRecords } from "../src/import-records.ts"
import { formatProblem } from "../src/problem.ts"
import { dataFiles } from "../src/reference-names.ts"
import { NOW } from "./reference-server.ts"
import { temporaryFolder } from "./temporary-folder.ts"

/** The queue that the reference writes so that it cannot read it: lost in its own compacted log, kept here. */
const KEPT_HERE = "3WFYpFYCXUc_X1JDwXGzv_VdwAK_ktwT"

const linesOf = (text: string | undefined) => (text ?? "").split("\n").filter((line) => line !== "")

/** Imports files and exports them again: texts by kind of file, and what was said. */
async function throughStore(texts: { storeLog?: string; messages?: string; notifications?: string }) {
  await using folder = await temporaryFolder()
  await mkdir(folder.file("in"))
  const files = dataFiles(folder.file("in"))
  await writeFile(files.storeLog, texts.storeLog ?? "", "latin1")
  await writeFile(files.messages, texts.messages ?? "", "latin1")
  await writeFile(files.notifications, texts.notifications ?? "", "latin1")
  const store = createMemoryStore()
  const problems: string[] = []
  const onProblem = (problem: Parameters<typeof formatProblem>[0]) => {
    problems.push(formatProblem(problem).replace(`${folder.file("in")}/smp-server-`, ""))
  }
  await importRecords(files, store, { onProblem })
  await exportStore({ store, folder: folder.file("out"), now: NOW }, { onProblem })
  const out = dataFiles(exportedData(folder.file("out")))
  return {
    problems,
    storeLog: linesOf(await readFile(out.storeLog, "latin1")),
    messages: linesOf(await readFile(out.messages, "latin1")),
    notifications: linesOf(await readFile(out.notifications, "latin1")),
  }
}

describe.skipIf(!haveVectors)("sample files of the reference", () => {
  const storeLog = vectorText("store-log.txt") ?? ""
  const compacted = vectorText("store-log-compacted.txt") ?? ""
  const messages = vectorText("messages-log.txt") ?? ""
  const saved = vectorText("messages-log-saved.txt") ?? ""
  const notifications = vectorText("notifications-log.txt") ?? ""

  it("the store log becomes what the reference makes of it, and the queue that it loses", async () => {
    const result = await throughStore({ storeLog })
    const kept = result.storeLog.filter((line) => line.includes(KEPT_HERE))
    const others = result.storeLog.filter((line) => !line.includes(KEPT_HERE))
    expect(others.sort()).toEqual(linesOf(compacted).sort())
    expect(kept.map((line) => line.split(" ")[0])).toEqual(["CREATE", "QUEUE_SERVICE"])
    const refused = linesOf(storeLog).findIndex((line) => line.startsWith("SECURE yC-D")) + 1
    expect(result.problems).toEqual([`store.log:${refused}: SECURE: the queue is secured with another key; left out`])
  })

  it("services come first", async () => {
    const tags = (await throughStore({ storeLog })).storeLog.map((line) => line.split(" ")[0])
    expect(tags.lastIndexOf("NEW_SERVICE")).toBeLessThan(tags.indexOf("CREATE"))
  })

  it("a compacted log stays as it is", async () => {
    const result = await throughStore({ storeLog: compacted })
    expect(result.problems).toEqual([])
    expect(result.storeLog.sort()).toEqual(linesOf(compacted).sort())
  })

  it("messages are saved as the reference saves them, the order within a queue kept", async () => {
    const result = await throughStore({ storeLog, messages })
    const byQueue = (lines: readonly string[]) => Map.groupBy(lines, (line) => line.split(" ")[1])
    expect(byQueue(result.messages)).toEqual(byQueue(linesOf(saved)))
    expect(result.messages).toHaveLength(linesOf(messages).length)
  })

  it("notifications stay as they are, byte for byte", async () => {
    const result = await throughStore({ storeLog, notifications })
    expect(result.notifications).toEqual(linesOf(notifications))
  })
})
