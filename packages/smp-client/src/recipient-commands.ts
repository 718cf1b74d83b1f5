import type { AuthKey } from "@sluice/crypto/keys"
import type { Command } from "@sluice/smp-protocol/commands"
import type { InfoMessage } from "@sluice/smp-protocol/messages/info"
import type { EntityId, LinkData, MsgId } from "@sluice/smp-protocol/types"
import { ask } from "./answer.ts"
import type { NotifierKeyPairs } from "./create-queue.ts"
import type { CreatedNotifier, ReceivedMessage, RecipientQueue } from "./queue-types.ts"
import type { CallOptions, CommandChannel, Request } from "./request.ts"
import { secretWithServer } from "./secrets.ts"

/** A command of the recipient of a queue. */
export function recipientRequest(queue: RecipientQueue, command: Command): Request {
  return { command, entityId: queue.recipientId, key: queue.recipientKey }
}

/** `GET`: the first message without subscribing, `undefined` if there is none. */
export async function getMessage(
  channel: CommandChannel,
  queue: RecipientQueue,
  call?: CallOptions,
): Promise<ReceivedMessage | undefined> {
  const answer = await ask(channel, recipientRequest(queue, { tag: "GET" }), call, "MSG", "OK")
  return answer.tag === "OK" ? undefined : { recipientId: queue.recipientId, msgId: answer.msgId, body: answer.body }
}

/** `ACK`: removes the delivered message; gives the next one of a subscribed queue, `undefined` if there is none. */
export async function acknowledge(
  channel: CommandChannel,
  queue: RecipientQueue,
  msgId: MsgId,
  call?: CallOptions,
): Promise<ReceivedMessage | undefined> {
  const answer = await ask(channel, recipientRequest(queue, { tag: "ACK", msgId }), call, "OK", "MSG")
  return answer.tag === "OK" ? undefined : { recipientId: queue.recipientId, msgId: answer.msgId, body: answer.body }
}

/** `KEY`. */
export function secure(
  channel: CommandChannel,
  queue: RecipientQueue,
  senderKey: AuthKey,
  call?: CallOptions,
): Promise<void> {
  return done(channel, queue, { tag: "KEY", senderKey }, call)
}

/** `RKEY`. */
export function setRecipientKeys(
  channel: CommandChannel,
  queue: RecipientQueue,
  recipientKeys: readonly AuthKey[],
  call?: CallOptions,
): Promise<void> {
  return done(channel, queue, { tag: "RKEY", recipientKeys }, call)
}

/** `LSET`. */
export function setLink(
  channel: CommandChannel,
  queue: RecipientQueue,
  linkId: EntityId,
  data: LinkData,
  call?: CallOptions,
): Promise<void> {
  return done(channel, queue, { tag: "LSET", linkId, data }, call)
}

/** `LDEL`. */
export function deleteLink(channel: CommandChannel, queue: RecipientQueue, call?: CallOptions): Promise<void> {
  return done(channel, queue, { tag: "LDEL" }, call)
}

/** `NKEY`. */
export async function enableNotifications(
  channel: CommandChannel,
  queue: RecipientQueue,
  keys?: NotifierKeyPairs,
  call?: CallOptions,
): Promise<CreatedNotifier> {
  const c = channel.crypto
  const { authKeys, dhKeys }: NotifierKeyPairs = keys ?? {
    authKeys: c.generateKeyPair("ed25519"),
    dhKeys: c.generateKeyPair("x25519"),
  }
  const command = { tag: "NKEY", notifierKey: authKeys.publicKey, dhKey: dhKeys.publicKey } as const
  const answer = await ask(channel, recipientRequest(queue, command), call, "NID")
  return {
    notifierId: answer.notifierId.slice(),
    notifierKey: authKeys.privateKey,
    dhSecret: secretWithServer(c, dhKeys.privateKey, answer.dhKey, "NKEY"),
  }
}

/** `NDEL`. */
export function disableNotifications(
  channel: CommandChannel,
  queue: RecipientQueue,
  call?: CallOptions,
): Promise<void> {
  return done(channel, queue, { tag: "NDEL" }, call)
}

/** `OFF`. */
export function suspendQueue(channel: CommandChannel, queue: RecipientQueue, call?: CallOptions): Promise<void> {
  return done(channel, queue, { tag: "OFF" }, call)
}

/** `DEL`. */
export function deleteQueue(channel: CommandChannel, queue: RecipientQueue, call?: CallOptions): Promise<void> {
  return done(channel, queue, { tag: "DEL" }, call)
}

/** `QUE`. */
export function queueInfo(channel: CommandChannel, queue: RecipientQueue, call?: CallOptions): Promise<InfoMessage> {
  return ask(channel, recipientRequest(queue, { tag: "QUE" }), call, "INFO")
}

async function done(
  channel: CommandChannel,
  queue: RecipientQueue,
  command: Command,
  call: CallOptions | undefined,
): Promise<void> {
  await ask(channel, recipientRequest(queue, command), call, "OK")
}
