import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { idKey } from "@sluice/encoding/bytes"
import type { NewNotification } from "@sluice/queue-store/records"
import { changedMeanwhile, type FileVersion, sameVersion, versionsOf } from "./file-versions.ts"
import {
  type ImportOptions,
  type ImportSummary,
  REFERENCE_QUOTA,
  type RecordFiles,
  type RecordSink,
} from "./import-options.ts"
import { ImportWork } from "./import-work.ts"
import { LineChains } from "./line-chains.ts"
import { LineWindow } from "./line-window.ts"
import { parseMessageLine } from "./message-line.ts"
import { type LoggedNotification, parseNotificationLine } from "./notification-line.ts"
import { parseStoreLogLine } from "./parse-store-log.ts"
import { type Assembled, QueueAssembly } from "./queue-assembly.ts"
import { QueueIndex } from "./queue-index.ts"
import { ServiceImport } from "./service-import.ts"
import { unstorableMessage, unstorableNotification, unstorableRecord } from "./storable.ts"

/** Queues and bytes of messages and link data that are written together. */
const BATCH_QUEUES = 256
const BATCH_BYTES = 2 ** 22

/** A sink that takes everything and keeps nothing. */
export const drySink: RecordSink = {
  importServices: async () => ({ conflicts: [] }),
  importQueues: async () => ({ conflicts: [] }),
  importNotifications: async () => ({ conflicts: [] }),
}

/**
 * Reads the reference's files and writes what they hold: services, then queues with their associations, link data and
 * messages, then pending notifications. What cannot be taken is reported and left out; the rest goes on.
 *
 * Two passes: the first checks every line and notes which belong to which queue, the second puts one queue after the other
 * together. Memory holds the places of the lines, some 200 bytes a queue, and one batch.
 *
 * Idempotent: the same files written again, also after an interruption, leave the sink as if written once. Nothing marks a
 * sink that an interrupted call left behind; `runImport` builds a store where nobody sees it before it is complete.
 *
 * Throws `OperatorError` when a file cannot be read or changes meanwhile, and what the sink throws.
 */
export async function importRecords(
  files: RecordFiles,
  sink: RecordSink,
  options: ImportOptions & { readonly crypto?: CryptoBackend } = {},
): Promise<ImportSummary> {
  const before = await versionsOf(files)
  const summary = await new RecordImport(files, sink, options, before).run()
  const after = await versionsOf(files)
  for (const [path, version] of before) {
    if (!sameVersion(after.get(path), version)) throw changedMeanwhile(path)
  }
  return summary
}

class RecordImport {
  readonly #files: RecordFiles
  readonly #sink: RecordSink
  readonly #crypto: CryptoBackend
  readonly #quota: number
  readonly #versions: ReadonlyMap<string, FileVersion>
  readonly #work: ImportWork
  readonly #services: ServiceImport
  readonly #queues = new QueueIndex()
  readonly #messages = new LineChains()

  constructor(
    files: RecordFiles,
    sink: RecordSink,
    options: ImportOptions & { readonly crypto?: CryptoBackend },
    versions: ReadonlyMap<string, FileVersion>,
  ) {
    this.#files = files
    this.#sink = sink
    this.#crypto = options.crypto ?? nativeCrypto
    this.#quota = options.quota ?? REFERENCE_QUOTA
    this.#versions = versions
    this.#work = new ImportWork(options)
    this.#services = new ServiceImport(this.#work, sink, files.storeLog)
  }

  async run(): Promise<ImportSummary> {
    const { storeLog, messages, notifications } = this.#files
    await this.#indexStoreLog(storeLog)
    if (messages !== undefined) await this.#indexMessages(messages)
    using log = new LineWindow(storeLog)
    using messageWindow = messages === undefined ? undefined : new LineWindow(messages)
    const assembly = new QueueAssembly({
      crypto: this.#crypto,
      work: this.#work,
      services: this.#services,
      log: { path: storeLog, index: this.#queues, window: log },
      messages:
        messages === undefined || messageWindow === undefined
          ? undefined
          : { path: messages, index: this.#messages, window: messageWindow },
      quota: this.#quota,
    })
    await this.#writeQueues(assembly)
    if (notifications !== undefined) await this.#writeNotifications(notifications, assembly)
    return { ...this.#work.counts }
  }

  async #indexStoreLog(file: string): Promise<void> {
    await this.#work.forEachLine(
      "store-log",
      file,
      this.#sizeOf(file),
      parseStoreLogLine,
      (record, line) => {
        const problem = unstorableRecord(record)
        if (problem !== undefined) this.#work.skip(file, line.number, `${record.tag}: ${problem}`)
        else if (record.tag === "NEW_SERVICE") this.#services.add(record.service, line.number)
        else {
          const misfit = this.#queues.add(record, line)
          if (misfit !== undefined) this.#work.skip(file, line.number, `${record.tag}: ${misfit}`)
        }
      },
      () => this.#services.flush(),
    )
  }

  async #indexMessages(file: string): Promise<void> {
    await this.#work.forEachLine("messages", file, this.#sizeOf(file), parseMessageLine, (logged, line) => {
      const problem = unstorableMessage(logged.message)
      const queue = this.#queues.find(logged.recipientId)
      if (problem !== undefined) this.#work.skip(file, line.number, problem)
      else if (queue === undefined) this.#work.skip(file, line.number, "it is for a queue that is not in the store log")
      else this.#messages.append(queue, line)
    })
  }

  async #writeQueues(assembly: QueueAssembly): Promise<void> {
    let batch: (Assembled & { readonly number: number })[] = []
    let bytes = 0
    let done = 0
    for (let number = 0; number < this.#queues.size; number++) {
      if (this.#queues.isDeleted(number)) continue
      const assembled = assembly.assemble(number)
      done++
      if (assembled !== undefined) {
        batch.push({ ...assembled, number })
        bytes += sizeOf(assembled)
      }
      if (batch.length < BATCH_QUEUES && bytes < BATCH_BYTES) continue
      await this.#writeBatch(assembly, batch)
      batch = []
      bytes = 0
      this.#work.progress("queues", done, this.#queues.live)
    }
    await this.#writeBatch(assembly, batch)
    this.#work.progress("queues", done, this.#queues.live)
  }

  async #writeBatch(
    assembly: QueueAssembly,
    batch: readonly (Assembled & { readonly number: number })[],
  ): Promise<void> {
    if (batch.length === 0) return
    const { conflicts } = await this.#sink.importQueues(batch.map(({ entry }) => entry))
    const refused = new Set(conflicts.map(idKey))
    for (const { entry, line, number } of batch) {
      if (!refused.has(idKey(entry.queue.recipientId))) this.#count(entry)
      else {
        this.#work.skip(this.#files.storeLog, line, "one of its IDs belongs to another queue of the store")
        assembly.skipMessages(number)
      }
    }
  }

  #count({ queue, messages = [] }: Assembled["entry"]): void {
    const { counts } = this.#work
    const markers = messages.filter(({ kind }) => kind === "quota").length
    counts.queues++
    if (queue.linkId !== undefined) counts.links++
    if (queue.notifier !== undefined) counts.notifiers++
    counts.messages += messages.length - markers
    counts.quotaMarkers += markers
  }

  async #writeNotifications(file: string, assembly: QueueAssembly): Promise<void> {
    let group: { readonly logged: LoggedNotification; readonly line: number }[] = []
    await this.#work.forEachLine(
      "notifications",
      file,
      this.#sizeOf(file),
      parseNotificationLine,
      (logged, { number: line }) => {
        const problem = unstorableNotification(logged)
        if (problem !== undefined) this.#work.skip(file, line, problem)
        else if (assembly.hasNotifier(logged.notifierId)) group.push({ logged, line })
        else this.#work.skip(file, line, "it is for a notifier that no queue has")
      },
      async () => {
        const written = group
        group = []
        await this.#writeNotificationGroup(file, written)
      },
    )
  }

  async #writeNotificationGroup(
    file: string,
    group: readonly { readonly logged: LoggedNotification; readonly line: number }[],
  ): Promise<void> {
    const byNotifier = new Map<string, { notifierId: Uint8Array; notifications: NewNotification[] }>()
    for (const { logged } of group) {
      const { notifierId, notification } = logged
      const entry = byNotifier.get(idKey(notifierId)) ?? { notifierId, notifications: [] }
      byNotifier.set(idKey(notifierId), entry)
      entry.notifications.push(notification)
    }
    const { conflicts } = await this.#sink.importNotifications([...byNotifier.values()])
    const refused = new Set(conflicts.map(idKey))
    for (const { logged, line } of group) {
      if (!refused.has(idKey(logged.notifierId))) this.#work.counts.notifications++
      else this.#work.skip(file, line, "the queue of its notifier was not taken")
    }
  }

  #sizeOf(file: string): number {
    return this.#versions.get(file)?.size ?? 0
  }
}

function sizeOf({ entry }: Assembled): number {
  const { linkData, messages = [] } = entry
  const bodies = messages.reduce((sum, message) => sum + (message.kind === "message" ? message.body.length : 0), 0)
  return bodies + (linkData === undefined ? 0 : linkData.fixedData.length + linkData.userData.length)
}
