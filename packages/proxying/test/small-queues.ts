import type { AuthKey } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { idKey } from "@sluice/encoding/bytes"
import { verifyAuthorization } from "@sluice/smp-protocol/authorization"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import { SessionBoxKeys } from "@sluice/smp-protocol/box-key-cache"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { NameRecord } from "@sluice/smp-protocol/messages/name"
import type { EntityId, LinkData } from "@sluice/smp-protocol/types"
import { maxMessageLength } from "@sluice/smp-protocol/versions"
import type { FakeConnection } from "../../smp-client/test/fake-server.ts"

const OK: BrokerMessage = { tag: "OK" }
const AUTH: BrokerMessage = { tag: "ERR", error: { type: "AUTH" } }

interface SmallQueue {
  readonly recipientId: EntityId
  readonly senderId: EntityId
  readonly recipientKey: AuthKey
  readonly link: LinkData | undefined
  senderKey: AuthKey | undefined
  subscriber: FakeConnection | undefined
  /** The first is the one that was delivered. */
  readonly messages: { readonly msgId: Uint8Array; readonly body: Uint8Array }[]
}

/** What the record of every name says. */
export const RECORD: NameRecord = {
  name: "alice.simplex",
  nickname: "Alice",
  website: "",
  location: "",
  simplexContact: [],
  simplexChannel: [],
  eth: null,
  btc: null,
  xmr: null,
  dot: null,
  owner: "",
  resolver: "",
}

/**
 * The queues of a relay as far as forwarding needs them: no quota, no expiry, and messages are delivered as they were
 * sent, without encryption.
 */
export class SmallQueues {
  readonly #byRecipient = new Map<string, SmallQueue>()
  readonly #bySender = new Map<string, SmallQueue>()
  readonly #byLink = new Map<string, SmallQueue>()

  /** Runs a command of `connection`, or one that was forwarded over it. */
  execute(connection: FakeConnection, received: ReceivedCommand, version: number): BrokerMessage {
    const { command, entityId, corrId } = received
    switch (command.tag) {
      case "PING":
        return { tag: "PONG" }
      case "NEW": {
        if (!authorized(connection, received, command.recipientKey)) return AUTH
        const link = command.queueData?.link
        const queue: SmallQueue = {
          recipientId: c.randomBytes(24),
          senderId: link?.senderId.slice() ?? c.randomBytes(24),
          recipientKey: command.recipientKey,
          link: link && { fixed: link.data.fixed.slice(), user: link.data.user.slice() },
          senderKey: undefined,
          subscriber: connection,
          messages: [],
        }
        // One id for all links: that of the sender.
        const linkId = link && ("linkId" in link ? link.linkId.slice() : queue.senderId)
        this.#byRecipient.set(idKey(queue.recipientId), queue)
        this.#bySender.set(idKey(queue.senderId), queue)
        if (linkId !== undefined) this.#byLink.set(idKey(linkId), queue)
        const { publicKey: dhKey } = c.generateKeyPair("x25519")
        const { recipientId, senderId } = queue
        return { tag: "IDS", recipientId, senderId, dhKey, queueMode: command.queueData?.mode, linkId }
      }
      case "KEY":
        return this.#secure(this.#byRecipient, connection, received, command.senderKey)
      case "SKEY":
        return this.#secure(this.#bySender, connection, received, command.senderKey)
      case "SEND":
        return this.#send(connection, received, command.body, version)
      case "ACK": {
        const queue = this.#byRecipient.get(idKey(entityId))
        if (queue === undefined || !authorized(connection, received, queue.recipientKey)) return AUTH
        queue.messages.shift()
        const [next] = queue.messages
        return next === undefined ? OK : { tag: "MSG", ...next }
      }
      case "LKEY": {
        const secured = this.#secure(this.#byLink, connection, received, command.senderKey)
        return secured.tag === "OK" ? this.#linkData(entityId) : secured
      }
      case "LGET":
        return this.#linkData(entityId)
      case "RSLV":
        return command.name === RECORD.name ? { tag: "RNAME", record: RECORD } : nameError({ type: "NOT_FOUND" })
      default:
        throw new Error(`${command.tag} with correlation id of ${corrId.length} bytes is not for this relay`)
    }
  }

  #send(connection: FakeConnection, received: ReceivedCommand, body: Uint8Array, version: number): BrokerMessage {
    const queue = this.#bySender.get(idKey(received.entityId))
    if (queue === undefined) return AUTH
    const { senderKey, messages } = queue
    if (senderKey === undefined ? received.authorization.length > 0 : !authorized(connection, received, senderKey))
      return AUTH
    if (body.length > maxMessageLength(version)) return { tag: "ERR", error: { type: "LARGE_MSG" } }
    const message = { msgId: c.randomBytes(24), body: body.slice() }
    messages.push(message)
    if (messages.length === 1) queue.subscriber?.event(queue.recipientId, { tag: "MSG", ...message })
    return OK
  }

  #secure(
    queues: ReadonlyMap<string, SmallQueue>,
    connection: FakeConnection,
    received: ReceivedCommand,
    senderKey: AuthKey,
  ): BrokerMessage {
    const queue = queues.get(idKey(received.entityId))
    const key = queues === this.#byRecipient ? queue?.recipientKey : senderKey
    if (queue === undefined || key === undefined || !authorized(connection, received, key)) return AUTH
    queue.senderKey = { ...senderKey, raw: senderKey.raw.slice() }
    return OK
  }

  #linkData(linkId: EntityId): BrokerMessage {
    const queue = this.#byLink.get(idKey(linkId))
    return queue?.link === undefined ? AUTH : { tag: "LNK", senderId: queue.senderId, data: queue.link }
  }
}

function nameError(error: Extract<SmpError, { type: "NAME" }>["error"]): BrokerMessage {
  return { tag: "ERR", error: { type: "NAME", error } }
}

function authorized({ session }: FakeConnection, received: ReceivedCommand, key: AuthKey): boolean {
  if (session.sessionKey === undefined) return false
  const verifier = { crypto: c, sessionKey: session.sessionKey.privateKey, boxKeys: new SessionBoxKeys(1) }
  return verifyAuthorization(verifier, [key], received.authorization, received.signed.bytes(), received.corrId)
}
