import { open } from "node:fs/promises"
import { encodePublicKey, publicKey } from "@sluice/crypto/keys"
import { formatStoreLogRecord } from "../src/format-store-log.ts"
import { formatMessageLine } from "../src/message-line.ts"
import { formatNotificationLine } from "../src/notification-line.ts"
import { dataFiles } from "../src/reference-names.ts"
import type { LoggedQueue, StoreLogRecord } from "../src/store-log-record.ts"
import { idOf } from "./sample-queue.ts"

export interface Size {
  /** Queues that are there at the end. */
  readonly queues: number
  readonly messages: number
  /** Bytes of a message body. */
  readonly body: number
}

const DAY = 86_400
const START = 20_000 * DAY
const SERVICES = 3
/** Added to the number of a queue for another one that is deleted. */
const EXTRA = 2 ** 31

/**
 * Writes the data folder of a server that ran for some days since it compacted its log: queues of all kinds, of which many
 * were changed since and some deleted, messages in a fiftieth of the queues, and some notifications. The
 * same numbers give the same files.
 */
export async function generateFiles(folder: string, { queues, messages, body }: Size): Promise<void> {
  const files = dataFiles(folder)
  const random = generator(queues)
  await writeLines(files.storeLog, logLines(queues, random))
  await writeLines(files.messages, messageLines(queues, messages, body, random))
  await writeLines(files.notifications, notificationLines(queues, random))
}

function* logLines(queues: number, random: Random): Generator<string> {
  for (let n = 0; n < SERVICES; n++) {
    yield formatStoreLogRecord({
      tag: "NEW_SERVICE",
      service: {
        serviceId: idOf("service", n),
        role: n === 0 ? "N" : "M",
        fingerprint: random.bytes(32),
        certificates: [random.bytes(300), random.bytes(300)],
        createdAt: START,
      },
    })
  }
  for (let n = 0; n < queues; n++) {
    for (const queue of [createdQueue(n, random), ...(n % 40 === 13 ? [createdQueue(n + EXTRA, random)] : [])]) {
      yield formatStoreLogRecord({ tag: "CREATE", recipientId: queue.recipientId, queue })
    }
  }
  for (let n = 0; n < queues; n++) for (const change of changesOf(n, random)) yield formatStoreLogRecord(change)
}

function createdQueue(n: number, random: Random): LoggedQueue {
  const hasLink = n % 5 === 0
  return {
    recipientId: idOf("recipient", n),
    senderId: idOf("sender", n),
    recipientKeys: [random.key()],
    rcvDhSecret: random.bytes(32),
    ...(n % 2 === 0 && { senderKey: random.key() }),
    ...(n % 7 !== 0 && { queueMode: n % 10 === 0 ? ("contact" as const) : ("messaging" as const) }),
    ...(hasLink && {
      linkId: idOf("link", n),
      linkData: { fixedData: random.bytes(150), userData: random.bytes(400) },
    }),
    ...(hasNotifier(n) && {
      notifier: {
        notifierId: idOf("notifier", n),
        key: random.key(),
        dhSecret: random.bytes(32),
        ...(n % 6 === 0 && { serviceId: idOf("service", 0) }),
      },
    }),
    ...(n % 9 === 0 && { rcvServiceId: idOf("service", 1) }),
    status: n % 50 === 0 ? { tag: "off" } : { tag: "active" },
    updatedAt: START + (n % 30) * DAY,
  }
}

function* changesOf(n: number, random: Random): Generator<StoreLogRecord> {
  const recipientId = idOf("recipient", n)
  if (n % 2 === 1) yield { tag: "SECURE", recipientId, senderKey: random.key() }
  for (let day = 0; day < n % 4; day++) yield { tag: "TIME", recipientId, updatedAt: START + (40 + day) * DAY }
  if (n % 20 === 5) yield { tag: "LDELETE", recipientId }
  if (n % 11 === 0) yield { tag: "QUEUE_SERVICE", recipientId, kind: "messages", serviceId: idOf("service", 2) }
  if (n % 100 === 1) yield { tag: "BLOCK", recipientId, info: { reason: "spam", notice: { ttl: DAY } } }
  if (n % 40 === 13) yield { tag: "DELETE", recipientId: idOf("recipient", n + EXTRA) }
}

function* messageLines(queues: number, messages: number, body: number, random: Random): Generator<string> {
  // Queues get theirs in turns, so that those of one queue are all over the file.
  const busy = Math.max(1, Math.floor(queues / 50))
  for (let n = 0; n < messages; n++) {
    const queue = ((n % busy) * 50 + 3) % queues
    yield formatMessageLine({
      recipientId: idOf("recipient", queue),
      message: {
        kind: "message",
        id: idOf("message", n),
        timestamp: START + n,
        notify: n % 3 === 0,
        body: random.bytes(body),
      },
    })
  }
}

function* notificationLines(queues: number, random: Random): Generator<string> {
  for (let n = 0; n < queues; n += 30) {
    if (!hasNotifier(n)) continue
    for (let i = 0; i < 3; i++) {
      const notification = { timestamp: START + i, nonce: random.bytes(24), encryptedMetadata: random.bytes(144) }
      yield formatNotificationLine({ notifierId: idOf("notifier", n), messageId: idOf("message", i), notification })
    }
  }
}

function hasNotifier(n: number): boolean {
  return n % 3 === 0
}

async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  await using file = await open(path, "w")
  let waiting: string[] = []
  let length = 0
  for (const line of lines) {
    waiting.push(line, "\n")
    length += line.length
    if (length < 2 ** 20) continue
    await file.writeFile(waiting.join(""), "latin1")
    waiting = []
    length = 0
  }
  await file.writeFile(waiting.join(""), "latin1")
}

interface Random {
  bytes(length: number): Uint8Array
  key(): Uint8Array
}

/** Noise from a seed (xorshift); good enough to be no pattern. */
function generator(seed: number): Random {
  let state = seed | 1
  const bytes = (length: number) => {
    const words = new Uint32Array(Math.ceil(length / 4))
    for (let i = 0; i < words.length; i++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      words[i] = state
    }
    return new Uint8Array(words.buffer, 0, length)
  }
  return { bytes, key: () => encodePublicKey(publicKey("ed25519", bytes(32))) }
}
