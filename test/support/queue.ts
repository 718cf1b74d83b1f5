import type { BoxKey } from "@sluice/crypto/backend"
import { dhBoxKey } from "@sluice/crypto/box"
import type { AuthKey, KeyPair, PrivateKey, X25519Key } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { fromUtf8, toHex } from "@sluice/encoding/bytes"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import type { CommandOf } from "@sluice/smp-protocol/commands"
import type { ContactLink, QueueData } from "@sluice/smp-protocol/commands/new"
import { type DeliveredContent, decryptDelivered } from "@sluice/smp-protocol/delivered-body"
import type { BrokerMessage, MessageOf } from "@sluice/smp-protocol/messages"
import { decryptNotificationMeta, type NotificationMeta } from "@sluice/smp-protocol/notification-meta"
import { senderIdOf } from "@sluice/smp-protocol/sender-id"
import type { CorrId, EntityId, LinkData, MsgId, QueueMode, SubscriptionMode } from "@sluice/smp-protocol/types"
import { newCorrId, type RawClient } from "./raw-client.ts"
import type { Who } from "./sending.ts"

export type AuthAlgorithm = AuthKey["algorithm"]

/** A key pair that authorizes commands. */
export interface AuthKeys {
  readonly publicKey: AuthKey
  readonly privateKey: AuthPrivateKey
}

export function authKeys(algorithm: AuthAlgorithm = "ed25519"): AuthKeys {
  return nativeCrypto.generateKeyPair(algorithm) as AuthKeys
}

/** Server's answers without parameters. */
export const OK: BrokerMessage = { tag: "OK" }
export const AUTH: BrokerMessage = { tag: "ERR", error: { type: "AUTH" } }
export const NO_MSG: BrokerMessage = { tag: "ERR", error: { type: "NO_MSG" } }
export const QUOTA: BrokerMessage = { tag: "ERR", error: { type: "QUOTA" } }
export const SERVICE: BrokerMessage = { tag: "ERR", error: { type: "SERVICE" } }
export const LARGE_MSG: BrokerMessage = { tag: "ERR", error: { type: "LARGE_MSG" } }
export const BLOCK: BrokerMessage = { tag: "ERR", error: { type: "BLOCK" } }

export function cmd(
  error: "UNKNOWN" | "SYNTAX" | "PROHIBITED" | "NO_AUTH" | "HAS_AUTH" | "NO_ENTITY",
): MessageOf<"ERR"> {
  return { tag: "ERR", error: { type: "CMD", error } }
}

/** The success of `SUB` and `NSUB` at the version of a connection (smp.md §6). */
export function sok({ version }: RawClient, serviceId?: EntityId): BrokerMessage {
  return version >= 16 ? { tag: "SOK", serviceId } : OK
}

/** The event after another connection deleted a queue or notifier, at the version of a connection. */
export function deld({ version }: RawClient): BrokerMessage {
  return { tag: version >= 10 ? "DELD" : "END" }
}

/** What a queue is made with. */
export interface QueueOptions {
  /** Default `messaging`; `none` sends no queue data, from v15 alone. */
  readonly mode?: QueueMode | "none"
  /** Default `subscribe`. */
  readonly subscription?: SubscriptionMode
  /** Of the recipient's key; default a new Ed25519 one. */
  readonly keys?: AuthKeys
  readonly password?: string
  /** Link data to store with it, from v15. */
  readonly link?: LinkData
  /** Make a notifier too, from v17. */
  readonly notifier?: boolean
  /** Default 24 random bytes. */
  readonly corrId?: CorrId
  /** Default what the server demands, derived from the correlation id. */
  readonly senderId?: EntityId
  readonly linkId?: EntityId
}

/** The secrets behind a `NEW`. */
export interface Creation {
  readonly command: CommandOf<"NEW">
  readonly corrId: CorrId
  readonly keys: AuthKeys
  readonly dh: PrivateKey<"x25519">
  readonly notifierKeys: AuthKeys
  readonly notifierDh: KeyPair<"x25519">
}

export function newQueue(options: QueueOptions = {}): Creation {
  const { mode = "messaging", subscription = "subscribe", keys = authKeys(), corrId = newCorrId(), link } = options
  const dh = nativeCrypto.generateKeyPair("x25519")
  const notifierDh = nativeCrypto.generateKeyPair("x25519")
  const notifierKeys = authKeys()
  const senderId = options.senderId ?? senderIdOf(nativeCrypto, corrId)
  const linkId = options.linkId ?? newCorrId()
  const queueData = queueDataOf(mode, link && { linkId, senderId, data: link })
  const command: CommandOf<"NEW"> = {
    ...{ tag: "NEW", recipientKey: keys.publicKey, dhKey: dh.publicKey, password: options.password },
    ...{ subscription, queueData },
    ...(options.notifier === true && { notifier: { authKey: notifierKeys.publicKey, dhKey: notifierDh.publicKey } }),
  }
  return { command, corrId, keys, dh: dh.privateKey, notifierKeys, notifierDh }
}

function queueDataOf(mode: QueueMode | "none", link: ContactLink | undefined): QueueData | undefined {
  if (mode === "none") return undefined
  return mode === "contact" ? { mode, link } : { mode, link }
}

/** Makes a queue, which must succeed. */
export async function createQueue(client: RawClient, options: QueueOptions = {}): Promise<TestQueue> {
  const creation = newQueue(options)
  const { command, corrId, keys } = creation
  const answer = await client.ask(command, { key: keys.privateKey, corrId })
  if (answer.tag !== "IDS") throw new Error(`NEW was answered with ${JSON.stringify(answer)}`)
  return new TestQueue(creation, answer)
}

/** Makes many queues in few blocks. */
export async function createQueues(
  client: RawClient,
  count: number,
  options: QueueOptions = {},
): Promise<readonly TestQueue[]> {
  const creations = Array.from({ length: count }, () => newQueue(options))
  client.send(...creations.map(({ command, corrId, keys }) => ({ command, corrId, key: keys.privateKey })))
  const made = new Map<string, TestQueue>()
  const byCorrId = new Map(creations.map((creation) => [hex(creation.corrId), creation]))
  while (made.size < count) {
    for (const { corrId, message } of await client.block()) {
      const creation = byCorrId.get(hex(corrId))
      if (creation === undefined || message.tag !== "IDS") throw new Error(`NEW was answered with ${message.tag}`)
      made.set(hex(corrId), new TestQueue(creation, message))
    }
  }
  return creations.flatMap(({ corrId }) => made.get(hex(corrId)) ?? [])
}

/** A queue with all its keys: those of recipient, sender and notifier. */
export class TestQueue {
  readonly ids: MessageOf<"IDS">
  readonly keys: AuthKeys
  readonly #box: BoxKey
  /** Set when the queue was secured. */
  senderKeys: AuthKeys | undefined
  notifier: TestNotifier | undefined

  constructor(creation: Creation, ids: MessageOf<"IDS">) {
    this.ids = { ...ids, recipientId: ids.recipientId.slice(), senderId: ids.senderId.slice() }
    this.keys = creation.keys
    this.#box = boxKey(creation.dh, ids.dhKey)
    if (ids.notifier !== undefined) {
      const { notifierId, dhKey } = ids.notifier
      this.notifier = new TestNotifier(notifierId, creation.notifierKeys, creation.notifierDh.privateKey, dhKey)
    }
  }

  get asRecipient(): { readonly entity: EntityId; readonly key: AuthPrivateKey } {
    return { entity: this.ids.recipientId, key: this.keys.privateKey }
  }

  /** With the sender's key once there is one. */
  get asSender(): Who & { readonly entity: EntityId } {
    return { entity: this.ids.senderId, key: this.senderKeys?.privateKey }
  }

  get asNotifier(): { readonly entity: EntityId; readonly key: AuthPrivateKey } {
    if (this.notifier === undefined) throw new Error("a queue without notifier")
    return this.notifier.asNotifier
  }

  /** What a delivered message says. */
  open(message: BrokerMessage): DeliveredContent & { readonly id: MsgId } {
    if (message.tag !== "MSG") throw new Error(`no MSG, but ${JSON.stringify(message)}`)
    const { msgId, body } = message
    const content = decryptDelivered(nativeCrypto, this.#box, msgId, body)
    if (content === undefined) throw new Error("a message that does not decrypt")
    return { ...content, id: msgId }
  }

  /** The text of a delivered message, or `(quota)` for the marker. */
  text(message: BrokerMessage): string {
    const content = this.open(message)
    return content.kind === "quota" ? "(quota)" : fromUtf8(content.body)
  }
}

/** Credentials of a queue's notifier. */
export class TestNotifier {
  readonly notifierId: EntityId
  readonly keys: AuthKeys
  readonly #box: BoxKey

  constructor(notifierId: EntityId, keys: AuthKeys, dh: PrivateKey<"x25519">, serverKey: X25519Key) {
    this.notifierId = notifierId.slice()
    this.keys = keys
    this.#box = boxKey(dh, serverKey)
  }

  get asNotifier(): { readonly entity: EntityId; readonly key: AuthPrivateKey } {
    return { entity: this.notifierId, key: this.keys.privateKey }
  }

  open(message: BrokerMessage): NotificationMeta {
    if (message.tag !== "NMSG") throw new Error(`no NMSG, but ${message.tag}`)
    const meta = decryptNotificationMeta(nativeCrypto, this.#box, message.nonce, message.meta)
    if (meta === undefined) throw new Error("a notification that does not decrypt")
    return meta
  }
}

/** Ids as tests compare them. */
export function hex(id: Uint8Array | undefined): string {
  return id === undefined ? "none" : toHex(id)
}

function boxKey(own: PrivateKey<"x25519">, peer: X25519Key): BoxKey {
  const key = dhBoxKey(nativeCrypto, own, peer)
  if (key === undefined) throw new Error("the server's key has low order")
  return key
}
