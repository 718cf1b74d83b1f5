import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Reply } from "@sluice/redis/redis-command"
import { copyOf } from "../../codec/copy.ts"
import { ID_LENGTH } from "../../codec/keys.ts"
import type { StoredMessage } from "../../records.ts"
import { numberIn } from "../record-fields.ts"
import { RedisDataError } from "../redis-errors.ts"

/**
 * Items of a queue's list: a flag ("m" a message, "n" one with the sender's notification flag, "q" the marker), 24 bytes
 * ID, 11 characters of the body's name, the time in seconds as a decimal number; 46 bytes.
 */
const BODY_AT = 1 + ID_LENGTH
const TIME_AT = BODY_AT + 11

/**
 * Names of bodies, unique among those of one queue that are there at the same time: a counter of 64 bits that begins at a
 * random place. One process does not repeat it; two would have to begin within reach of each other.
 */
export class BodyNames {
  readonly #counter: Buffer

  constructor(crypto: Pick<CryptoBackend, "randomBytes">) {
    this.#counter = Buffer.from(crypto.randomBytes(8))
  }

  next(): string {
    this.#counter.writeBigUInt64BE(BigInt.asUintN(64, this.#counter.readBigUInt64BE() + 1n))
    return this.#counter.toString("base64url")
  }
}

/** The item of a message. */
export function encodeItem(message: StoredMessage, name: string): Uint8Array {
  const time = String(message.timestamp)
  const item = Buffer.allocUnsafe(TIME_AT + time.length)
  item[0] = message.kind === "quota" ? MARKER : message.notify ? NOTIFYING : PLAIN
  item.set(message.id, 1)
  item.write(name, BODY_AT, "latin1")
  item.write(time, TIME_AT, "latin1")
  return item
}

/** What an item says, without the body; the ID is a copy. */
export function decodeItem(item: Uint8Array): {
  readonly kind: StoredMessage["kind"]
  readonly id: Uint8Array
  readonly timestamp: number
  readonly notify: boolean
} {
  if (item.length <= TIME_AT) throw new RedisDataError("an item is too short")
  return {
    kind: item[0] === MARKER ? "quota" : "message",
    id: copyOf(item.subarray(1, BODY_AT)),
    timestamp: numberIn(item.subarray(TIME_AT)),
    notify: item[0] === NOTIFYING,
  }
}

/** The message of an item and its body; absent when there is no item. */
export function messageOf(item: Reply | undefined, body: Reply | undefined): StoredMessage | undefined {
  if (!(item instanceof Uint8Array)) return undefined
  const { kind, id, timestamp, notify } = decodeItem(item)
  if (kind === "quota") return { kind, id, timestamp }
  if (!(body instanceof Uint8Array)) throw new RedisDataError("a body is missing")
  return { kind, id, timestamp, notify, body: new Uint8Array(body.buffer, body.byteOffset, body.length) }
}

const PLAIN = 0x6d
const NOTIFYING = 0x6e
const MARKER = 0x71
