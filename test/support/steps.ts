import { nativeCrypto } from "@sluice/crypto/native"
import { equalBytes, utf8 } from "@sluice/encoding/bytes"
import type { CommandOf } from "@sluice/smp-protocol/commands"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { EntityId, MsgId } from "@sluice/smp-protocol/types"
import { type AuthKeys, authKeys, hex, OK, TestNotifier, type TestQueue } from "./queue.ts"
import type { RawClient } from "./raw-client.ts"

/** A delivered message, read by its recipient. */
export interface Delivered {
  readonly id: MsgId
  /** Its text, or `(quota)` for the marker. */
  readonly text: string
}

/** `SEND` with this body. */
export function message(body: string | Uint8Array, notification = false): CommandOf<"SEND"> {
  return { tag: "SEND", flags: { notification }, body: typeof body === "string" ? utf8(body) : body }
}

/** Sends a message in the name of the sender, signed if the queue is secured; the answer. */
export function sendTo(
  sender: RawClient,
  queue: TestQueue,
  body: string | Uint8Array,
  notification = false,
): Promise<BrokerMessage> {
  return sender.ask(message(body, notification), queue.asSender)
}

/** Sends a message that must be stored. */
export async function store(
  sender: RawClient,
  queue: TestQueue,
  body: string | Uint8Array,
  notification = false,
): Promise<void> {
  const { tag } = await sendTo(sender, queue, body, notification)
  if (tag !== OK.tag) throw new Error(`SEND was answered with ${tag}`)
}

/** The next block of the recipient: a message of this queue as an event, alone. */
export async function receive(recipient: RawClient, queue: TestQueue): Promise<Delivered> {
  const { entityId, message: event } = await recipient.event()
  if (!equalBytes(entityId, queue.ids.recipientId)) throw new Error("a message of another queue")
  return delivered(queue, event)
}

export function delivered(queue: TestQueue, event: BrokerMessage): Delivered {
  const { id } = queue.open(event)
  return { id, text: queue.text(event) }
}

/** `ACK` by the recipient; the answer. */
export function ack(recipient: RawClient, queue: TestQueue, { id }: Pick<Delivered, "id">): Promise<BrokerMessage> {
  return recipient.ask({ tag: "ACK", msgId: id }, queue.asRecipient)
}

/** The recipient gets this message as an event, acknowledges it, and there is no other. */
export async function take(recipient: RawClient, queue: TestQueue, text: string): Promise<void> {
  const got = await receive(recipient, queue)
  if (got.text !== text) throw new Error(`expected ${text}, got ${got.text}`)
  const { tag } = await ack(recipient, queue, got)
  if (tag !== OK.tag) throw new Error(`ACK was answered with ${tag}`)
}

/** `SUB` of a queue that holds no message, or `NSUB` and the like; the answer. */
export function sub(recipient: RawClient, queue: TestQueue): Promise<BrokerMessage> {
  return recipient.ask({ tag: "SUB" }, queue.asRecipient)
}

/** `SUB` of a queue with messages: the answer and the first message, which must share a block. */
export async function subWithMessage(
  recipient: RawClient,
  queue: TestQueue,
): Promise<{ readonly answer: BrokerMessage; readonly first: Delivered }> {
  recipient.send({ command: { tag: "SUB" }, ...queue.asRecipient })
  const [answer, event, ...rest] = await recipient.block()
  if (answer === undefined || event === undefined || rest.length > 0) throw new Error("not one answer and one message")
  if (event.corrId.length > 0 || !equalBytes(event.entityId, queue.ids.recipientId)) throw new Error("no event of it")
  return { answer: answer.message, first: delivered(queue, event.message) }
}

/** The recipient secures the queue with a new key of the sender, by `KEY`. */
export async function secure(
  recipient: RawClient,
  queue: TestQueue,
  keys: AuthKeys = authKeys(),
): Promise<BrokerMessage> {
  const answer = await recipient.ask({ tag: "KEY", senderKey: keys.publicKey }, queue.asRecipient)
  if (answer.tag === "OK") queue.senderKeys = keys
  return answer
}

/** The sender secures the queue, by `SKEY`. */
export async function secureAsSender(
  sender: RawClient,
  queue: TestQueue,
  keys: AuthKeys = authKeys(),
): Promise<BrokerMessage> {
  const { senderId } = queue.ids
  const answer = await sender.ask(
    { tag: "SKEY", senderKey: keys.publicKey },
    { entity: senderId, key: keys.privateKey },
  )
  if (answer.tag === "OK") queue.senderKeys = keys
  return answer
}

/** The recipient makes a notifier, by `NKEY`. */
export async function addNotifier(
  recipient: RawClient,
  queue: TestQueue,
  keys: AuthKeys = authKeys(),
): Promise<TestNotifier> {
  const dh = nativeCrypto.generateKeyPair("x25519")
  const command = { tag: "NKEY", notifierKey: keys.publicKey, dhKey: dh.publicKey } as const
  const answer = await recipient.ask(command, queue.asRecipient)
  if (answer.tag !== "NID") throw new Error(`NKEY was answered with ${JSON.stringify(answer)}`)
  const notifier = new TestNotifier(answer.notifierId, keys, dh.privateKey, answer.dhKey)
  queue.notifier = notifier
  return notifier
}

export function nsub(client: RawClient, queue: TestQueue): Promise<BrokerMessage> {
  return client.ask({ tag: "NSUB" }, queue.asNotifier)
}

/** The next block: this event for this id, alone. */
export async function expectEvent(client: RawClient, entity: EntityId, event: BrokerMessage): Promise<void> {
  const { entityId, message: came } = await client.event()
  if (came.tag !== event.tag || !equalBytes(entityId, entity)) {
    throw new Error(`expected ${event.tag} of ${hex(entity)}, got ${came.tag} of ${hex(entityId)}`)
  }
}

/** Takes all messages of a queue whose first one was delivered, until it is empty; their texts. */
export async function drain(recipient: RawClient, queue: TestQueue, first: Delivered): Promise<string[]> {
  const texts = [first.text]
  let answer = await ack(recipient, queue, first)
  while (answer.tag === "MSG") {
    const next = delivered(queue, answer)
    texts.push(next.text)
    answer = await ack(recipient, queue, next)
  }
  if (answer.tag !== OK.tag) throw new Error(`ACK was answered with ${JSON.stringify(answer)}`)
  return texts
}
