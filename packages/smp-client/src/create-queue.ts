import type { KeyPair } from "@sluice/crypto/keys"
import type { NewCommand, QueueData } from "@sluice/smp-protocol/commands/new"
import type { IdsMessage } from "@sluice/smp-protocol/messages/queue"
import { senderIdOf } from "@sluice/smp-protocol/sender-id"
import { type CorrId, type EntityId, ID_LENGTH, type LinkData } from "@sluice/smp-protocol/types"
import { ask } from "./answer.ts"
import type { CreatedQueue } from "./queue-types.ts"
import type { AuthKeyPair, CallOptions, CommandChannel } from "./request.ts"
import { secretWithServer } from "./secrets.ts"

/** Keys of a notifier to create together with the queue (v17). */
export interface NotifierKeyPairs {
  readonly authKeys: AuthKeyPair
  readonly dhKeys: KeyPair<"x25519">
}

/** A short link for the new queue (v15). */
export interface NewLink {
  readonly data: LinkData
  /** Contact queues only, and needed there: the client chooses it. 24 bytes. */
  readonly linkId?: EntityId | undefined
}

/** How to create a queue. Every option has a default. */
export interface CreateQueueOptions {
  /** `messaging` (default): one sender. `contact`: many. Below v9 the server gives queues without a mode. */
  readonly mode?: "messaging" | "contact" | undefined
  /** Default true; the messages of the new queue then come to this connection. */
  readonly subscribe?: boolean | undefined
  /** Authorizes all commands of the recipient; default a new Ed25519 pair. */
  readonly recipientKeys?: AuthKeyPair | undefined
  /** For the encryption of delivered messages; default a new pair. */
  readonly dhKeys?: KeyPair<"x25519"> | undefined
  readonly link?: NewLink | undefined
  /** True makes keys for a notifier. */
  readonly notifier?: NotifierKeyPairs | true | undefined
  /** Password of a server that asks for one; default the one in its address. */
  readonly password?: string | undefined
  /**
   * 24 random bytes that were never used before. Only a caller that needs the sender id of a queue with a link before
   * the queue exists gives them: that id follows from them, see `senderIdOf`.
   */
  readonly corrId?: CorrId | undefined
}

/** `NEW` (smp.md §2.1). */
export async function createQueue(
  channel: CommandChannel,
  options: CreateQueueOptions = {},
  call?: CallOptions,
): Promise<CreatedQueue> {
  const c = channel.crypto
  const recipientKeys: AuthKeyPair = options.recipientKeys ?? c.generateKeyPair("ed25519")
  const dhKeys = options.dhKeys ?? c.generateKeyPair("x25519")
  const notifier =
    options.notifier === true
      ? { authKeys: c.generateKeyPair("ed25519"), dhKeys: c.generateKeyPair("x25519") }
      : options.notifier
  const corrId = options.corrId ?? c.randomBytes(ID_LENGTH)
  const command: NewCommand = {
    tag: "NEW",
    recipientKey: recipientKeys.publicKey,
    dhKey: dhKeys.publicKey,
    password: options.password ?? channel.password,
    subscription: options.subscribe === false ? "create-only" : "subscribe",
    queueData: queueData(channel, options, corrId),
    notifier: notifier && { authKey: notifier.authKeys.publicKey, dhKey: notifier.dhKeys.publicKey },
  }
  const ids = await ask(channel, { command, key: recipientKeys.privateKey, corrId }, call, "IDS")
  return {
    recipientId: ids.recipientId.slice(),
    recipientKey: recipientKeys.privateKey,
    senderId: ids.senderId.slice(),
    dhSecret: secretWithServer(c, dhKeys.privateKey, ids.dhKey, "NEW"),
    mode: ids.queueMode,
    linkId: ids.linkId?.slice(),
    serviceId: ids.serviceId?.slice(),
    notifier: createdNotifier(channel, notifier, ids),
  }
}

function queueData(channel: CommandChannel, { mode, link }: CreateQueueOptions, corrId: CorrId): QueueData {
  if (link === undefined) return { mode: mode ?? "messaging" }
  const senderId = senderIdOf(channel.crypto, corrId)
  if (mode !== "contact") return { mode: "messaging", link: { senderId, data: link.data } }
  if (link.linkId === undefined) throw new TypeError("createQueue: a contact queue with a link needs a link id")
  return { mode: "contact", link: { senderId, data: link.data, linkId: link.linkId } }
}

function createdNotifier(
  channel: CommandChannel,
  keys: NotifierKeyPairs | undefined,
  { notifier }: IdsMessage,
): CreatedQueue["notifier"] {
  if (keys === undefined || notifier === undefined) return undefined
  return {
    notifierId: notifier.notifierId.slice(),
    notifierKey: keys.authKeys.privateKey,
    dhSecret: secretWithServer(channel.crypto, keys.dhKeys.privateKey, notifier.dhKey, "NEW"),
  }
}
