import { copyOf } from "../codec/copy.ts"
import { bodyKey } from "../codec/keys.ts"
import { MessageList, type QueuedItem } from "../codec/message-list.ts"
import type { StoredMessage } from "../records.ts"
import type { Tables } from "../tables.ts"

/** Reading and writing the items of one queue. */

export function readList(tables: Tables, recipientId: Uint8Array): MessageList {
  return new MessageList(tables.messages.get(recipientId))
}

/** Stores the changed list, or nothing for an empty queue. */
export function writeList(tables: Tables, recipientId: Uint8Array, list: MessageList): void {
  if (list.length === 0) tables.messages.remove(recipientId)
  else tables.messages.put(recipientId, list.encode())
}

/** Stores a body and appends its item. The list has to be written afterwards. */
export function appendMessage(tables: Tables, list: MessageList, message: StoredMessage): void {
  const { id, timestamp } = message
  if (message.kind === "quota") {
    list.append({ id, timestamp, kind: "quota", notify: false, body: 0 })
    list.canWrite = false
    return
  }
  const body = ++tables.counters.sequence
  tables.bodies.put(bodyKey(body), message.body)
  list.append({ id, timestamp, kind: "message", notify: message.notify, body })
  tables.counters.messages++
}

/** Removes items and their bodies from the head. The list has to be written afterwards. Returns the messages among them. */
export function dropItems(tables: Tables, list: MessageList, count: number): number {
  let messages = 0
  for (let i = 0; i < count; i++) {
    const item = list.at(i)
    if (item?.kind !== "message") continue
    tables.bodies.remove(bodyKey(item.body))
    messages++
  }
  list.drop(count)
  tables.counters.messages -= messages
  return messages
}

/** Removes everything in a queue. Returns the messages among it. */
export function dropMessages(tables: Tables, recipientId: Uint8Array): number {
  const list = readList(tables, recipientId)
  if (list.length === 0) return 0
  const messages = dropItems(tables, list, list.length)
  writeList(tables, recipientId, list)
  return messages
}

/** How many items at the head are messages older than `before`; a marker never expires and ends the count (smp.md §5). */
export function countExpired(list: MessageList, before: number): number {
  for (let i = 0; ; i++) {
    const item = list.at(i)
    if (item?.kind !== "message" || item.timestamp >= before) return i
  }
}

/** The first message of the list with its body. */
export function headOf(tables: Tables, list: MessageList): StoredMessage | undefined {
  const item = list.at(0)
  return item === undefined ? undefined : messageOf(tables, item)
}

/** The message of an item, in memory of its own. */
export function messageOf(tables: Tables, item: QueuedItem): StoredMessage {
  const { timestamp } = item
  const id = copyOf(item.id)
  if (item.kind === "quota") return { kind: "quota", id, timestamp }
  const body = tables.bodies.get(bodyKey(item.body))
  if (body === undefined) throw new MissingBodyError()
  return { kind: "message", id, timestamp, notify: item.notify, body: copyOf(body) }
}

/** A queue names a body that is not there: the file is damaged. */
export class MissingBodyError extends Error {
  override readonly name = "MissingBodyError"
}
