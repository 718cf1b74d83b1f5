import type { CryptoBackend } from "@sluice/crypto/backend"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import type { PendingNotification, QueueRecord, StoredMessage } from "@sluice/queue-store/records"
import { decryptNotificationMeta } from "@sluice/smp-protocol/notification-meta"
import type { ExportOptions, ExportProgress, ExportSummary } from "./export-options.ts"
import { formatStoreLogRecord, queueLines } from "./format-store-log.ts"
import { REFERENCE_QUOTA } from "./import-options.ts"
import type { LineWriter } from "./line-writer.ts"
import { formatMessageLine } from "./message-line.ts"
import { formatNotificationLine } from "./notification-line.ts"
import type { Problem } from "./problem.ts"
import { withoutLink } from "./queue-changes.ts"
import { steps } from "./steps.ts"
import type { LoggedQueue } from "./store-log-record.ts"
import { loggedQueue } from "./stored-queue.ts"

/** Queues, services and notifiers that are read from the store at once. */
const BATCH = 256

export interface OutputFile {
  /** As it is named to the operator. */
  readonly path: string
  readonly writer: LineWriter
}

export interface OutputFiles {
  readonly storeLog: OutputFile
  readonly messages: OutputFile
  readonly notifications: OutputFile
}

type Counts = { -readonly [K in keyof ExportSummary]: ExportSummary[K] }

/**
 * Writes everything that a store holds in the forms of the reference: the store log as it is after compaction (services,
 * then a `CREATE` line a queue), the message file and the notification file. Queues come in the order of their recipient
 * IDs. What the reference could not read is left out and reported (relay-internals.md §10).
 */
export class RecordExport {
  readonly #store: QueueStore
  readonly #crypto: CryptoBackend
  readonly #output: OutputFiles
  readonly #options: ExportOptions
  readonly #counts: Counts = {
    services: 0,
    queues: 0,
    messages: 0,
    quotaMarkers: 0,
    notifications: 0,
    skipped: 0,
    changed: 0,
  }

  constructor(store: QueueStore, crypto: CryptoBackend, output: OutputFiles, options: ExportOptions) {
    this.#store = store
    this.#crypto = crypto
    this.#output = output
    this.#options = options
  }

  async run(): Promise<ExportSummary> {
    const { services, queues, notifications } = await this.#store.counts()
    await this.#writeServices(services)
    await this.#writeQueues(queues)
    await this.#writeNotifications(notifications)
    return { ...this.#counts }
  }

  async #writeServices(total: number): Promise<void> {
    const { writer } = this.#output.storeLog
    for await (const step of steps((from) => this.#store.services({ limit: BATCH, ...from }))) {
      for (const service of step.services) {
        await writer.write(formatStoreLogRecord({ tag: "NEW_SERVICE", service }))
        this.#counts.services++
      }
      this.#progress("services", this.#counts.services, total)
    }
  }

  async #writeQueues(total: number): Promise<void> {
    for await (const step of steps((from) => this.#store.queues({ limit: BATCH, ...from }))) {
      for (const queue of step.queues) {
        await this.#writeQueue(queue)
        await this.#writeMessages(queue.recipientId)
      }
      this.#progress("queues", this.#counts.queues, total)
    }
  }

  async #writeQueue(queue: QueueRecord): Promise<void> {
    const { path, writer } = this.#output.storeLog
    const linkData = queue.linkId === undefined ? undefined : await this.#store.linkData(queue.recipientId)
    const logged = loggedQueue(queue, linkData)
    const readable = isLinkReadable(logged) ? logged : withoutLink(logged)
    const [create = "", ...more] = queueLines(readable)
    const line = await writer.write(create)
    for (const text of more) await writer.write(text)
    this.#counts.queues++
    if (queue.linkId !== undefined && readable.linkId === undefined) {
      const reason = "the queue's link data is missing or empty, which the reference cannot read; written without link"
      this.#report({ file: path, line, reason, effect: "changed" })
    }
  }

  async #writeMessages(recipientId: Uint8Array): Promise<void> {
    const { path } = this.#output.messages
    let written = 0
    for (const message of await this.#store.messages(recipientId)) {
      if (message.kind === "message" && message.body.length === 0) {
        const reason = "a message has an empty body, which the reference cannot read; left out"
        this.#report({ file: path, reason, effect: "skipped" })
        continue
      }
      if (message.kind === "message") written++
      const line = await this.#writeMessage(recipientId, message)
      if (message.kind === "message" && written === REFERENCE_QUOTA + 1) {
        const reason = `here a queue has more than ${REFERENCE_QUOTA} messages; the reference will drop the rest of them`
        this.#report({ file: path, line, reason, effect: "noted" })
      }
    }
  }

  #writeMessage(recipientId: Uint8Array, message: StoredMessage): Promise<number> {
    if (message.kind === "message") this.#counts.messages++
    else this.#counts.quotaMarkers++
    return this.#output.messages.writer.write(formatMessageLine({ recipientId, message }))
  }

  async #writeNotifications(total: number): Promise<void> {
    for await (const step of steps((from) => this.#store.pendingNotifiers({ limit: BATCH, ...from }))) {
      for (const notifierId of step.notifierIds) await this.#writeNotificationsOf(notifierId)
      this.#progress("notifications", this.#counts.notifications, total)
    }
  }

  /** The store does not keep which message a notification is about; that is inside the metadata, and the server has the key. */
  async #writeNotificationsOf(notifierId: Uint8Array): Promise<void> {
    const { path, writer } = this.#output.notifications
    const notifier = (await this.#store.queueByNotifier(notifierId))?.notifier
    if (notifier === undefined) return
    const key = this.#crypto.boxKey(notifier.dhSecret)
    for (const pending of await this.#store.notifications(notifierId, Number.MAX_SAFE_INTEGER)) {
      const { sequence: _, ...notification } = pending
      const messageId = this.#messageIdOf(key, pending)
      const line = await writer.write(
        formatNotificationLine({ notifierId, messageId: messageId ?? pending.nonce, notification }),
      )
      this.#counts.notifications++
      if (messageId === undefined) {
        const reason = "the metadata does not decrypt; its nonce was written for the message ID, which is not used"
        this.#report({ file: path, line, reason, effect: "changed" })
      }
    }
  }

  #messageIdOf(key: ReturnType<CryptoBackend["boxKey"]>, pending: PendingNotification): Uint8Array | undefined {
    const { nonce, encryptedMetadata } = pending
    const messageId = decryptNotificationMeta(this.#crypto, key, nonce, encryptedMetadata)?.msgId
    return messageId === undefined || messageId.length === 0 ? undefined : messageId
  }

  #report(problem: Problem): void {
    if (problem.effect === "skipped") this.#counts.skipped++
    if (problem.effect === "changed") this.#counts.changed++
    this.#options.onProblem?.(problem)
  }

  #progress(stage: ExportProgress["stage"], done: number, total: number): void {
    this.#options.signal?.throwIfAborted()
    this.#options.onProgress?.({ stage, done, total })
  }
}

function isLinkReadable({ linkData }: LoggedQueue): boolean {
  return linkData === undefined || (linkData.fixedData.length > 0 && linkData.userData.length > 0)
}
