import { writeFile } from "node:fs/promises"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import type { Notifier, ServiceRecord } from "@sluice/queue-store/records"
import { formatStoreLogRecord } from "../src/format-store-log.ts"
import type { ImportOptions, ImportSummary } from "../src/import-options.ts"
import { importRecords } from "../src/import-records.ts"
import { formatMessageLine } from "../src/message-line.ts"
import { formatNotificationLine } from "../src/notification-line.ts"
import { formatProblem, type Problem } from "../src/problem.ts"
import type { LoggedQueue, StoreLogRecord } from "../src/store-log-record.ts"
import { idOf, keyOf } from "./sample-queue.ts"
import { temporaryFolder } from "./temporary-folder.ts"

/** Small files, and what an import makes of them. */

export interface Texts {
  readonly log: readonly (string | StoreLogRecord)[]
  readonly messages?: readonly string[]
  readonly notifications?: readonly string[]
  /** What the last file ends with. */
  readonly end?: string
}

export interface Imported {
  readonly store: QueueStore
  readonly summary: ImportSummary
  /** Lines as an operator sees them, without the folder. */
  readonly problems: readonly string[]
}

export async function importTexts(
  texts: Texts,
  options: ImportOptions = {},
  store: QueueStore = createMemoryStore(),
): Promise<Imported> {
  await using folder = await temporaryFolder()
  const { end = "\n" } = texts
  const write = async (name: string, lines: readonly string[]) => {
    await writeFile(folder.file(name), lines.length === 0 ? "" : lines.join("\n") + end, "latin1")
    return folder.file(name)
  }
  const storeLog = await write(
    "store",
    texts.log.map((line) => (typeof line === "string" ? line : formatStoreLogRecord(line))),
  )
  const files = {
    storeLog,
    ...(texts.messages !== undefined && { messages: await write("messages", texts.messages) }),
    ...(texts.notifications !== undefined && { notifications: await write("ntfs", texts.notifications) }),
  }
  const problems: Problem[] = []
  const summary = await importRecords(files, store, { onProblem: (problem) => problems.push(problem), ...options })
  return {
    store,
    summary,
    problems: problems.map((problem) => formatProblem(problem).slice(folder.path.length + 1)),
  }
}

export function create(queue: LoggedQueue): StoreLogRecord {
  return { tag: "CREATE", recipientId: queue.recipientId, queue }
}

export function message(n: number, id: number, kind: "message" | "quota" = "message"): string {
  const common = { id: idOf("message", id), timestamp: id }
  return formatMessageLine({
    recipientId: idOf("recipient", n),
    message: kind === "quota" ? { kind, ...common } : { kind, ...common, notify: false, body: new Uint8Array([id]) },
  })
}

export function notification(n: number, id: number): string {
  return formatNotificationLine({
    notifierId: idOf("notifier", n),
    messageId: idOf("message", id),
    notification: { timestamp: id, nonce: idOf("message", id), encryptedMetadata: new Uint8Array(144).fill(id) },
  })
}

export function service(n: number, changes: Partial<ServiceRecord> = {}): StoreLogRecord {
  const record: ServiceRecord = {
    serviceId: idOf("service", n),
    role: "M",
    fingerprint: new Uint8Array(32).fill(n),
    certificates: [new Uint8Array([n])],
    createdAt: n,
  }
  return { tag: "NEW_SERVICE", service: { ...record, ...changes } }
}

export function notifier(n: number): Notifier {
  return { notifierId: idOf("notifier", n), key: keyOf(n), dhSecret: new Uint8Array(32).fill(n) }
}

export function link(n: number): Required<Pick<LoggedQueue, "linkId" | "linkData">> {
  return {
    linkId: idOf("link", n),
    linkData: { fixedData: new Uint8Array([n]), userData: new Uint8Array([n, n]) },
  }
}
