import { type AuthKey, readKey, writeKey } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Writer } from "@sluice/encoding/writer"
import { type QueueUri, readQueueUri, writeQueueUri } from "@sluice/short-links/queue-uri"
import {
  type QueueAddress,
  type QueueInfo,
  readQueueAddress,
  readQueueInfo,
  writeQueueAddress,
  writeQueueInfo,
} from "./queue-info.ts"

/** That a message arrived: the sender's own id of it, and the SHA-256 of its plaintext. */
export interface Receipt {
  readonly id: bigint
  readonly hash: Uint8Array
  /** Opaque to the agent, 0 to 65535 bytes. */
  readonly info: Uint8Array
}

/** What agents say to each other inside of the ratchet (agent.md §4). */
export type AMessage =
  /** The queue of its sender works; slow handshake only. */
  | { readonly tag: "HELLO" }
  /** What the user sends. */
  | { readonly tag: "A_MSG"; readonly body: Uint8Array }
  | { readonly tag: "A_RCVD"; readonly receipts: readonly Receipt[] }
  /** There is room again in the recipient's queue of this address. */
  | { readonly tag: "A_QCONT"; readonly address: QueueAddress }
  /** New queues of the recipient, each perhaps in place of another. */
  | {
      readonly tag: "QADD"
      readonly queues: readonly { readonly queue: QueueUri; readonly replaced?: QueueAddress | undefined }[]
    }
  /** The sender's keys for the new queues: for the end-to-end secret, and to authorize with. */
  | { readonly tag: "QKEY"; readonly queues: readonly { readonly queue: QueueInfo; readonly key: AuthKey }[] }
  /** The new queues are secured, and can be used. */
  | { readonly tag: "QUSE"; readonly queues: readonly { readonly address: QueueAddress; readonly primary: boolean }[] }
  /** The first message in a new queue. */
  | { readonly tag: "QTEST"; readonly addresses: readonly QueueAddress[] }
  /** The ratchet that was made anew is ready; `lastId` is the last id received before. */
  | { readonly tag: "EREADY"; readonly lastId: bigint }

export type AMessageTag = AMessage["tag"]

/** The letters of each kind. */
export const LETTERS: Readonly<Record<AMessageTag, string>> = {
  HELLO: "H",
  A_MSG: "M",
  A_RCVD: "V",
  A_QCONT: "QC",
  QADD: "QA",
  QKEY: "QK",
  QUSE: "QU",
  QTEST: "QT",
  EREADY: "E",
}

const TAGS: ReadonlyMap<string, AMessageTag> = new Map(
  Object.entries(LETTERS).map(([tag, letters]) => [letters, tag as AMessageTag]),
)

/** Whether the peer's notifier is told by default; of `A_MSG` the user decides. */
export function notifies(tag: AMessageTag): boolean {
  return tag === "HELLO" || tag === "EREADY"
}

/** Throws `EncodeError` where a list is empty or a field too long. */
export function writeAMessage(w: Writer, message: AMessage): void {
  w.ascii(LETTERS[message.tag])
  switch (message.tag) {
    case "HELLO":
      break
    case "A_MSG":
      w.raw(message.body)
      break
    case "A_RCVD":
      w.nonEmpty(message.receipts, (_, { id, hash, info }) => w.int64(id).short(hash).large(info))
      break
    case "A_QCONT":
      writeQueueAddress(w, message.address)
      break
    case "QADD":
      w.nonEmpty(message.queues, (_, { queue, replaced }) => {
        writeQueueUri(w, queue)
        w.maybe(replaced, writeQueueAddress)
      })
      break
    case "QKEY":
      w.nonEmpty(message.queues, (_, { queue, key }) => {
        writeQueueInfo(w, queue)
        writeKey(w, key)
      })
      break
    case "QUSE":
      w.nonEmpty(message.queues, (_, { address, primary }) => {
        writeQueueAddress(w, address)
        w.bool(primary)
      })
      break
    case "QTEST":
      w.nonEmpty(message.addresses, writeQueueAddress)
      break
    case "EREADY":
      w.int64(message.lastId)
  }
}

/** Reads to the end; bytes are views. Throws `DecodeError`. */
export function readAMessage(r: Reader): AMessage {
  const message = readFields(r, readTag(r))
  r.end()
  return message
}

function readTag(r: Reader): AMessageTag {
  let letters = String.fromCharCode(r.u8("message type"))
  if (letters === "Q") letters += String.fromCharCode(r.u8("message type"))
  const tag = TAGS.get(letters)
  if (tag === undefined) throw new DecodeError("message type: unknown")
  return tag
}

function readFields(r: Reader, tag: AMessageTag): AMessage {
  switch (tag) {
    case "HELLO":
      return { tag }
    case "A_MSG":
      return { tag, body: r.tail() }
    case "A_RCVD":
      return { tag, receipts: r.nonEmpty(readReceipt, "receipts") }
    case "A_QCONT":
      return { tag, address: readQueueAddress(r) }
    case "QADD":
      return { tag, queues: r.nonEmpty(readAdded, "queues") }
    case "QKEY":
      return { tag, queues: r.nonEmpty(readKeyed, "queues") }
    case "QUSE":
      return { tag, queues: r.nonEmpty(readUsed, "queues") }
    case "QTEST":
      return { tag, addresses: r.nonEmpty(readQueueAddress, "addresses") }
    case "EREADY":
      return { tag, lastId: r.int64("last id") }
  }
}

function readReceipt(r: Reader): Receipt {
  return { id: r.int64("message id"), hash: r.short("message hash"), info: r.large("receipt info") }
}

function readAdded(r: Reader): { queue: QueueUri; replaced?: QueueAddress | undefined } {
  return { queue: readQueueUri(r), replaced: r.maybe(readQueueAddress, "replaced queue") }
}

function readKeyed(r: Reader): { queue: QueueInfo; key: AuthKey } {
  return { queue: readQueueInfo(r), key: readKey(r, "auth", "sender key") }
}

function readUsed(r: Reader): { address: QueueAddress; primary: boolean } {
  return { address: readQueueAddress(r), primary: r.bool("primary") }
}
