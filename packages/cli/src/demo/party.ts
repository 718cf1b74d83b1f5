import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair } from "@sluice/crypto/keys"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import { E2eRecipient, E2eSender } from "@sluice/smp-client/e2e"
import type { CreatedQueue, ReceivedMessage } from "@sluice/smp-client/queue-types"
import { CommandFailure } from "../failure.ts"
import type { QueueAddress } from "../queue/queue-address.ts"

/** One body of `SEND`, as the relay got it. */
export interface Sent {
  readonly from: string
  readonly senderId: Uint8Array
  readonly body: Uint8Array
}

/** A message that came, opened. */
export interface Received {
  readonly text: string
  /** Bytes that the relay delivered, encrypted. */
  readonly delivered: number
}

/** One of the two people of the demonstration: a connection, a queue to receive from, a queue to send to. */
export class Party {
  readonly name: string
  readonly connection: SmpConnection
  readonly #crypto: CryptoBackend
  readonly #server: Server
  readonly #sent: Sent[]
  readonly #timeoutMs: number
  readonly #incoming: E2eRecipient
  /** Messages that came before somebody asked for them. */
  readonly #arrived: ReceivedMessage[] = []
  #wake: () => void = () => undefined
  #queue: CreatedQueue | undefined
  #outgoing: Outgoing | undefined

  private constructor(name: string, connection: SmpConnection, surroundings: Surroundings) {
    this.name = name
    this.connection = connection
    this.#crypto = surroundings.crypto
    this.#server = connection.server
    this.#sent = surroundings.sent
    this.#timeoutMs = surroundings.timeoutMs
    this.#incoming = new E2eRecipient(surroundings.crypto)
    connection.events.on("message", (message) => this.#arrive(message))
  }

  /** Connects with a connection of its own: the relay cannot know that both are one program. */
  static async connect(name: string, server: ServerAddress, surroundings: Surroundings): Promise<Party> {
    const { crypto, timeoutMs } = surroundings
    const connection = await connect(server, { crypto, connectTimeoutMs: timeoutMs, commandTimeoutMs: timeoutMs })
    return new Party(name, connection, surroundings)
  }

  /** Creates the queue to receive from, subscribed; gives what the other side has to know. */
  async createQueue(): Promise<QueueAddress> {
    this.#queue = await this.connection.createQueue()
    const { senderId, mode } = this.#queue
    return { server: this.#server, senderId, mode, dhKey: this.#incoming.publicKey }
  }

  /** Makes the other side's queue this party's own to send to. */
  async secure({ senderId, dhKey }: QueueAddress): Promise<void> {
    const keys = this.#crypto.generateKeyPair("ed25519")
    await this.connection.secureAsSender({ senderId }, keys)
    this.#outgoing = { senderId, keys, sender: new E2eSender(this.#crypto, dhKey), introduced: false }
  }

  /** Sends a text. The first one also tells the key that the other side decrypts with. */
  async send(text: string): Promise<Sent> {
    const outgoing = this.#outgoing
    if (outgoing === undefined) throw new TypeError("nothing to send to yet")
    const { senderId, keys, sender, introduced } = outgoing
    const body = introduced ? sender.message(utf8(text)) : sender.confirmation(utf8(text))
    await this.connection.sendMessage({ senderId, senderKey: keys.privateKey }, body)
    outgoing.introduced = true
    const sent = { from: this.name, senderId, body }
    this.#sent.push(sent)
    return sent
  }

  /** The next message, opened and acknowledged. */
  async receive(): Promise<Received> {
    const queue = this.queue
    const message = await this.#next()
    const content = this.connection.decryptDelivered(queue, message)
    const opened = content?.kind === "message" ? this.#incoming.open(content.body) : undefined
    if (opened === undefined) throw new CommandFailure(`${this.name} got a message that does not decrypt`)
    const following = await this.connection.acknowledge(queue, message.msgId)
    if (following !== undefined) this.#arrive(following)
    return { text: fromUtf8(opened.body), delivered: message.body.length }
  }

  /** Deletes the queue and leaves. */
  async leave(): Promise<void> {
    await this.connection.deleteQueue(this.queue)
    this.#queue = undefined
  }

  /** The queue that was created. */
  get queue(): CreatedQueue {
    if (this.#queue === undefined) throw new TypeError("no queue yet")
    return this.#queue
  }

  #arrive(message: ReceivedMessage): void {
    this.#arrived.push(message)
    this.#wake()
  }

  async #next(): Promise<ReceivedMessage> {
    const first = this.#arrived.shift()
    if (first !== undefined) return first
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(
      () => reject(new CommandFailure(`no message came to ${this.name} in time`)),
      this.#timeoutMs,
    )
    this.#wake = resolve
    try {
      await promise
    } finally {
      clearTimeout(timer)
    }
    return this.#next()
  }
}

/** What both parties share. */
export interface Surroundings {
  readonly crypto: CryptoBackend
  /** Collects what the relay gets to see. */
  readonly sent: Sent[]
  /** For connecting, for each answer and for each message. */
  readonly timeoutMs: number
}

interface Outgoing {
  readonly senderId: Uint8Array
  readonly keys: KeyPair<"ed25519">
  readonly sender: E2eSender
  introduced: boolean
}
