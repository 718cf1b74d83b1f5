import type { AuthKey, X25519Key } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { idKey } from "@sluice/encoding/bytes"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import { type DeliveredContent, encryptDelivered } from "@sluice/smp-protocol/delivered-body"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { NO_CORR_ID } from "@sluice/smp-protocol/types"
import type { Answers, FakeConnection } from "./fake-server.ts"

interface Queue {
  readonly recipientId: Uint8Array
  readonly recipientKey: AuthKey
  readonly dhSecret: Uint8Array
  readonly messages: { readonly msgId: Uint8Array; readonly content: DeliveredContent }[]
  senderKey: AuthKey | undefined
  subscriber: FakeConnection | undefined
  /** The first message was delivered and is not acknowledged. */
  delivered: boolean
}

const OK: BrokerMessage = { tag: "OK" }
const AUTH: BrokerMessage = { tag: "ERR", error: { type: "AUTH" } }

/** Just enough of a relay for two programs to talk through one: `NEW`, `SUB`, `KEY`, `SKEY`, `SEND`, `ACK`, `DEL`. */
export class MiniRelay {
  readonly #byRecipient = new Map<string, Queue>()
  readonly #bySender = new Map<string, Queue>()

  /** For `FakeServerOptions.respond`. */
  readonly respond = (sent: ReceivedCommand, connection: FakeConnection): Answers => {
    const { command, entityId } = sent
    if (command.tag === "NEW") {
      if (!connection.verifies(sent, command.recipientKey)) return AUTH
      return this.#create(command.recipientKey, command.dhKey, command.subscription === "subscribe", connection)
    }
    const isSender = command.tag === "SEND" || command.tag === "SKEY"
    const queue = (isSender ? this.#bySender : this.#byRecipient).get(idKey(entityId))
    if (queue === undefined) return AUTH
    if (command.tag === "SKEY") return this.#secure(sent, command.senderKey, queue, connection)
    if (command.tag === "SEND") return this.#send(sent, command.body, queue, connection)
    return connection.verifies(sent, queue.recipientKey) ? this.#recipient(sent, queue, connection) : AUTH
  }

  #create(recipientKey: AuthKey, dhKey: X25519Key, subscribe: boolean, connection: FakeConnection): BrokerMessage {
    const own = c.generateKeyPair("x25519")
    const [recipientId, senderId] = [c.randomBytes(24), c.randomBytes(24)]
    const queue: Queue = {
      recipientId,
      recipientKey,
      dhSecret: c.diffieHellman(own.privateKey, dhKey),
      messages: [],
      senderKey: undefined,
      subscriber: subscribe ? connection : undefined,
      delivered: false,
    }
    this.#byRecipient.set(idKey(recipientId), queue)
    this.#bySender.set(idKey(senderId), queue)
    return { tag: "IDS", recipientId, senderId, dhKey: own.publicKey, queueMode: "messaging" }
  }

  #secure(sent: ReceivedCommand, key: AuthKey, queue: Queue, connection: FakeConnection): BrokerMessage {
    if (queue.senderKey !== undefined || !connection.verifies(sent, key)) return AUTH
    queue.senderKey = key
    return OK
  }

  #send(sent: ReceivedCommand, body: Uint8Array, queue: Queue, connection: FakeConnection): BrokerMessage {
    const { senderKey, subscriber } = queue
    const allowed = senderKey === undefined ? sent.authorization.length === 0 : connection.verifies(sent, senderKey)
    if (!allowed) return AUTH
    const content = { kind: "message", timestamp: 0, notify: false, body: body.slice() } as const
    queue.messages.push({ msgId: c.randomBytes(24), content })
    if (subscriber !== undefined && !queue.delivered) {
      const message = this.#first(queue)
      if (message !== undefined) subscriber.event(queue.recipientId, message)
    }
    return OK
  }

  #recipient({ command }: ReceivedCommand, queue: Queue, connection: FakeConnection): Answers {
    switch (command.tag) {
      case "SUB": {
        queue.subscriber = connection
        const message = this.#first(queue)
        if (message === undefined) return { tag: "SOK" }
        return [{ tag: "SOK" }, { corrId: NO_CORR_ID, entityId: queue.recipientId, message }]
      }
      case "ACK":
        queue.messages.shift()
        return this.#first(queue) ?? OK
      case "KEY":
        queue.senderKey = command.senderKey
        return OK
      case "DEL":
        this.#byRecipient.delete(idKey(queue.recipientId))
        return OK
      default:
        return { tag: "ERR", error: { type: "INTERNAL" } }
    }
  }

  #first(queue: Queue): BrokerMessage | undefined {
    const [first] = queue.messages
    queue.delivered = first !== undefined
    if (first === undefined) return undefined
    const body = encryptDelivered(c, c.boxKey(queue.dhSecret), first.msgId, first.content)
    return { tag: "MSG", msgId: first.msgId, body }
  }
}
