import type { CryptoBackend } from "@sluice/crypto/backend"
import { DecodeError } from "@sluice/encoding/errors"
import type { ImportedQueue } from "@sluice/queue-store/queue-store"
import type { StoredMessage } from "@sluice/queue-store/records"
import { changedMeanwhile } from "./file-versions.ts"
import { ID_LENGTH, IdIndex } from "./id-index.ts"
import type { ImportWork } from "./import-work.ts"
import type { LineChains } from "./line-chains.ts"
import type { LineWindow } from "./line-window.ts"
import type { LinePlace } from "./lines.ts"
import { parseMessageLine } from "./message-line.ts"
import { parseStoreLogLine } from "./parse-store-log.ts"
import { withMessageService, withNotifierService, withoutLink, withoutNotifier } from "./queue-changes.ts"
import type { QueueIndex } from "./queue-index.ts"
import { replay } from "./queue-replay.ts"
import type { ServiceImport } from "./service-import.ts"
import { isStorableDay } from "./storable.ts"
import type { LoggedQueue } from "./store-log-record.ts"
import { storedQueue } from "./stored-queue.ts"

/** A file of records that is read a second time. */
export interface IndexedFile<T> {
  readonly path: string
  readonly index: T
  readonly window: LineWindow
}

export interface AssemblyParts {
  readonly crypto: CryptoBackend
  readonly work: ImportWork
  readonly services: ServiceImport
  readonly log: IndexedFile<QueueIndex>
  readonly messages: IndexedFile<LineChains> | undefined
  readonly quota: number
}

/** A queue as it goes to the store, and the line that created it. */
export interface Assembled {
  readonly entry: ImportedQueue
  readonly line: number
}

/** Puts queues together from their lines in the store log and in the message file. */
export class QueueAssembly {
  readonly #parts: AssemblyParts
  readonly #senders = new IdIndex()
  readonly #notifiers = new IdIndex()
  readonly #links = new IdIndex()

  constructor(parts: AssemblyParts) {
    this.#parts = parts
  }

  /** Whether a queue that was assembled has this notifier. */
  hasNotifier(notifierId: Uint8Array): boolean {
    return this.#notifiers.find(notifierId) !== undefined
  }

  /** The queue of a number, or `undefined` after reporting why there is none. To be called once a number, in order. */
  assemble(number: number): Assembled | undefined {
    const replayed = this.#replay(number)
    if (replayed === undefined) return undefined
    const { line } = replayed
    if (!addNew(this.#senders, replayed.queue.senderId)) {
      this.#parts.work.skip(this.#parts.log.path, line, "its sender ID belongs to an earlier queue")
      this.skipMessages(number)
      return undefined
    }
    const queue = this.#withKnownServices(this.#withOwnIds(this.#withStorableDay(replayed.queue, line), line), line)
    const messages = this.#messages(number)
    return { entry: { ...storedQueue(queue), messages }, line }
  }

  /** Reports the messages of a queue that was not taken. */
  skipMessages(number: number): void {
    const { messages, work } = this.#parts
    for (const line of messages?.index.of(number) ?? []) {
      work.skip(messages?.path ?? "", line.number, "its queue was not taken")
    }
  }

  #replay(number: number): { readonly queue: LoggedQueue; readonly line: number } | undefined {
    const { log, work } = this.#parts
    let created: { readonly queue: LoggedQueue; readonly line: number } | undefined
    for (const line of log.index.linesOf(number)) {
      const record = reread(log, line, parseStoreLogLine)
      if (record.tag === "CREATE") {
        created = { queue: record.queue, line: line.number }
      } else if (created !== undefined && record.tag !== "NEW_SERVICE" && record.tag !== "DELETE") {
        const result = replay(created.queue, record)
        if ("queue" in result) created = { queue: result.queue, line: created.line }
        else work.skip(log.path, line.number, `${record.tag}: ${result.misfit}`)
      }
    }
    return created
  }

  #withStorableDay(queue: LoggedQueue, line: number): LoggedQueue {
    const { updatedAt, ...rest } = queue
    if (updatedAt === undefined || isStorableDay(updatedAt)) return queue
    this.#changed(line, "its time of last use is out of range; taken without it")
    return rest
  }

  /** The reference's version 6.5 lets a queue take the link ID of another one (smp.md §2.3): the earlier queue keeps it. */
  #withOwnIds(queue: LoggedQueue, line: number): LoggedQueue {
    let kept = queue
    if (kept.linkId !== undefined && !addNew(this.#links, this.#linkKey(kept.linkId))) {
      this.#changed(line, "its link ID belongs to an earlier queue; taken without link")
      kept = withoutLink(kept)
    }
    if (kept.notifier !== undefined && !addNew(this.#notifiers, kept.notifier.notifierId)) {
      this.#changed(line, "its notifier ID belongs to an earlier queue; taken without notifier")
      kept = withoutNotifier(kept)
    }
    return kept
  }

  #withKnownServices(queue: LoggedQueue, line: number): LoggedQueue {
    const { services } = this.#parts
    let kept = queue
    if (kept.rcvServiceId !== undefined && !services.has(kept.rcvServiceId)) {
      this.#changed(line, "it is associated with a message service that is not in the log; taken without")
      kept = withMessageService(kept, undefined)
    }
    if (kept.notifier?.serviceId !== undefined && !services.has(kept.notifier.serviceId)) {
      this.#changed(line, "it is associated with a notification service that is not in the log; taken without")
      kept = withNotifierService(kept, undefined)
    }
    return kept
  }

  /** In the order of the file. Markers do not count for the quota, as in the store. */
  #messages(number: number): StoredMessage[] {
    const { messages, quota, work } = this.#parts
    if (messages === undefined) return []
    const taken: StoredMessage[] = []
    let counted = 0
    for (const line of messages.index.of(number)) {
      const { message } = reread(messages, line, parseMessageLine)
      if (message.kind === "quota" || counted < quota) taken.push(message)
      else work.skip(messages.path, line.number, `its queue is full with ${quota} messages`)
      if (message.kind === "message") counted++
    }
    return taken
  }

  /** Link IDs of contact queues can have any length. */
  #linkKey(linkId: Uint8Array): Uint8Array {
    return linkId.length === ID_LENGTH ? linkId : this.#parts.crypto.sha256(linkId).subarray(0, ID_LENGTH)
  }

  #changed(line: number, reason: string): void {
    this.#parts.work.change(this.#parts.log.path, line, reason)
  }
}

/** Reads a line that was readable in the first pass. */
function reread<T>(file: IndexedFile<unknown>, line: LinePlace, parse: (text: string) => T): T {
  try {
    return parse(file.window.read(line))
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw changedMeanwhile(file.path)
  }
}

/** Adds the ID, or says that it is there. */
function addNew(index: IdIndex, id: Uint8Array): boolean {
  const before = index.size
  index.add(id)
  return index.size > before
}
