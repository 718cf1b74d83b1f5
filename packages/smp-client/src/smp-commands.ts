import type { CryptoBackend } from "@sluice/crypto/backend"
import type { AuthKey, X25519Key } from "@sluice/crypto/keys"
import type { DeliveredContent } from "@sluice/smp-protocol/delivered-body"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { InfoMessage } from "@sluice/smp-protocol/messages/info"
import type { NameRecord } from "@sluice/smp-protocol/messages/name"
import type { EntityId, LinkData, MsgId, ServiceCounters } from "@sluice/smp-protocol/types"
import type { Clock } from "./clock.ts"
import { type CreateQueueOptions, createQueue, type NotifierKeyPairs } from "./create-queue.ts"
import { decryptDelivered } from "./delivered.ts"
import { getLink, resolveName, secureByLink } from "./link-commands.ts"
import type {
  CreatedNotifier,
  CreatedQueue,
  LinkContent,
  NotifierQueue,
  ReadableQueue,
  ReceivedMessage,
  RecipientQueue,
  SenderQueue,
  Subscribed,
} from "./queue-types.ts"
import {
  acknowledge,
  deleteLink,
  deleteQueue,
  disableNotifications,
  enableNotifications,
  getMessage,
  queueInfo,
  secure,
  setLink,
  setRecipientKeys,
  suspendQueue,
} from "./recipient-commands.ts"
import type { AuthKeyPair, CallOptions, CommandChannel, Outcome, Request } from "./request.ts"
import { ping, type SendOptions, secureAsSender, sendMessage } from "./sender-commands.ts"
import {
  type ServiceSubscribed,
  subscribe,
  subscribeMany,
  subscribeNotifier,
  subscribeNotifiers,
  subscribeService,
} from "./subscriptions.ts"

/**
 * All commands of the protocol (smp.md §2) as methods. What the server answers with `ERR` is thrown as `SmpClientError`
 * "ERR"; the other errors are listed there. Methods that send take `CallOptions` as their last argument.
 */
export abstract class SmpCommands implements CommandChannel {
  abstract readonly crypto: CryptoBackend
  abstract readonly clock: Clock
  abstract readonly password: string | undefined

  /** The server's X25519 key of the present session; `undefined` where there is no session, or no key in it. */
  abstract serverKey(): Promise<X25519Key | undefined>

  /** The level below: commands as they are, answers as they come. */
  abstract send(requests: readonly Request[], call?: CallOptions): Promise<BrokerMessage>[]

  // Recipient

  /** `NEW`: creates a queue, subscribed unless the options say otherwise. Keys that are not given are made. */
  createQueue(options?: CreateQueueOptions, call?: CallOptions): Promise<CreatedQueue> {
    return createQueue(this, options, call)
  }

  /** `SUB`: this connection gets the messages of the queue from now on, as events; the first one again. */
  subscribe(queue: RecipientQueue, call?: CallOptions): Promise<Subscribed> {
    return subscribe(this, queue, call)
  }

  /** `SUB` for many queues at once; outcomes in the order of the queues. */
  subscribeMany(queues: readonly RecipientQueue[], call?: CallOptions): Promise<Outcome<Subscribed>[]> {
    return subscribeMany(this, queues, call)
  }

  /** `GET`: the first message of a queue that is not subscribed here, `undefined` if it is empty. */
  getMessage(queue: RecipientQueue, call?: CallOptions): Promise<ReceivedMessage | undefined> {
    return getMessage(this, queue, call)
  }

  /**
   * `ACK`: the message was received and can be deleted. Gives the next message of a subscribed queue if there is one
   * already (it does not come as an event then), else `undefined`.
   */
  acknowledge(queue: RecipientQueue, msgId: MsgId, call?: CallOptions): Promise<ReceivedMessage | undefined> {
    return acknowledge(this, queue, msgId, call)
  }

  /** `KEY`: from now on only the holder of this key can send. Repeating it with the same key is fine. */
  secure(queue: RecipientQueue, senderKey: AuthKey, call?: CallOptions): Promise<void> {
    return secure(this, queue, senderKey, call)
  }

  /** `RKEY`: replaces the keys of the recipient of a contact queue, 1 to 255 (v15). */
  setRecipientKeys(queue: RecipientQueue, keys: readonly AuthKey[], call?: CallOptions): Promise<void> {
    return setRecipientKeys(this, queue, keys, call)
  }

  /** `LSET`: adds a short link, or changes the user part of its data (v15). */
  setLink(queue: RecipientQueue, linkId: EntityId, data: LinkData, call?: CallOptions): Promise<void> {
    return setLink(this, queue, linkId, data, call)
  }

  /** `LDEL`: removes the link (v15). */
  deleteLink(queue: RecipientQueue, call?: CallOptions): Promise<void> {
    return deleteLink(this, queue, call)
  }

  /** `NKEY`: adds a notifier, or replaces it; its id is new each time. */
  enableNotifications(queue: RecipientQueue, keys?: NotifierKeyPairs, call?: CallOptions): Promise<CreatedNotifier> {
    return enableNotifications(this, queue, keys, call)
  }

  /** `NDEL`: removes the notifier. */
  disableNotifications(queue: RecipientQueue, call?: CallOptions): Promise<void> {
    return disableNotifications(this, queue, call)
  }

  /** `OFF`: nothing more can be sent to the queue. */
  suspendQueue(queue: RecipientQueue, call?: CallOptions): Promise<void> {
    return suspendQueue(this, queue, call)
  }

  /** `DEL`: deletes the queue with all that is in it. */
  deleteQueue(queue: RecipientQueue, call?: CallOptions): Promise<void> {
    return deleteQueue(this, queue, call)
  }

  /** `QUE`: what the server says about the queue, for debugging. */
  queueInfo(queue: RecipientQueue, call?: CallOptions): Promise<InfoMessage> {
    return queueInfo(this, queue, call)
  }

  /** What a delivered message says; `undefined` if it was not encrypted for this queue. */
  decryptDelivered(
    queue: ReadableQueue,
    message: Pick<ReceivedMessage, "msgId" | "body">,
  ): DeliveredContent | undefined {
    return decryptDelivered(this.crypto, queue, message)
  }

  // Sender

  /** `SEND`: puts a message (up to 16048 bytes from v11) into the queue, signed if the queue has a sender key. */
  sendMessage(queue: SenderQueue, body: Uint8Array, options?: SendOptions): Promise<void> {
    return sendMessage(this, queue, body, options)
  }

  /** `SKEY`: the sender secures a messaging queue with its own key (v9). */
  secureAsSender(queue: SenderQueue, keys: AuthKeyPair, call?: CallOptions): Promise<void> {
    return secureAsSender(this, queue, keys, call)
  }

  /** `PING`. */
  ping(call?: CallOptions): Promise<void> {
    return ping(this, call)
  }

  // Links and names

  /** `LGET`: what is behind the link of a contact queue (v15). */
  getLink(linkId: EntityId, call?: CallOptions): Promise<LinkContent> {
    return getLink(this, linkId, call)
  }

  /** `LKEY`: secures the messaging queue behind a link and gets what is behind it (v15). */
  secureByLink(linkId: EntityId, keys: AuthKeyPair, call?: CallOptions): Promise<LinkContent> {
    return secureByLink(this, linkId, keys, call)
  }

  /** `RSLV`: what a name stands for (v20). */
  resolveName(name: string, call?: CallOptions): Promise<NameRecord> {
    return resolveName(this, name, call)
  }

  // Notifications and services

  /** `NSUB`: this connection gets the notifications of the queue from now on. */
  subscribeNotifier(queue: NotifierQueue, call?: CallOptions): Promise<Subscribed> {
    return subscribeNotifier(this, queue, call)
  }

  /** `NSUB` for many queues at once; outcomes in the order of the queues. */
  subscribeNotifiers(queues: readonly NotifierQueue[], call?: CallOptions): Promise<Outcome<Subscribed>[]> {
    return subscribeNotifiers(this, queues, call)
  }

  /** `SUBS`: all queues of the service of this session. `expected` is compared with what the server has. */
  subscribeService(expected: ServiceCounters, call?: CallOptions): Promise<ServiceSubscribed> {
    return subscribeService(this, "SUBS", expected, call)
  }

  /** `NSUBS`: all notifiers of the service of this session. */
  subscribeNotifierService(expected: ServiceCounters, call?: CallOptions): Promise<ServiceSubscribed> {
    return subscribeService(this, "NSUBS", expected, call)
  }
}
