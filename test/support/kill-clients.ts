import { setTimeout } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import { SmpClient } from "@sluice/smp-client/client"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { CreatedQueue, ReceivedMessage, SenderQueue } from "@sluice/smp-client/queue-types"
import { QueueLedger } from "./kill-ledger.ts"

/** Comes back quickly: the relay is away for half a second each time. */
const OPTIONS = { patience: "interactive", backoff: { initialMs: 20, maxMs: 100, stableMs: 0 } } as const

/** Messages of one sender that wait for their answers at the same time. */
const WINDOW = 3
/** How long a sender waits after ERR QUOTA, ms. */
const QUOTA_PAUSE = 20

/** A queue with a client that sends to it, and another one that receives and acknowledges, both as fast as they can. */
export class Conversation implements AsyncDisposable {
  readonly ledger: QueueLedger = new QueueLedger()
  readonly queue: CreatedQueue
  readonly #sender: SmpClient
  readonly #recipient: SmpClient
  readonly #senderQueue: SenderQueue
  readonly #size: () => number
  readonly #acknowledging = new Set<Promise<void>>()
  /** Connections that the recipient had. */
  #connection = 0
  #sending = true

  private constructor(
    clients: { readonly sender: SmpClient; readonly recipient: SmpClient },
    queues: { readonly queue: CreatedQueue; readonly senderQueue: SenderQueue },
    size: () => number,
  ) {
    this.#sender = clients.sender
    this.#recipient = clients.recipient
    this.queue = queues.queue
    this.#senderQueue = queues.senderQueue
    this.#size = size
    this.#recipient.events.on("up", () => {
      this.#connection++
    })
    this.#recipient.events.on("message", (message) => this.#receive(message))
  }

  /** `size` gives the length of the next message. */
  static async start(address: Server, size: () => number): Promise<Conversation> {
    const sender = new SmpClient(address, OPTIONS)
    const recipient = new SmpClient(address, OPTIONS)
    const queue = await recipient.createQueue()
    const keys = nativeCrypto.generateKeyPair("ed25519")
    await sender.secureAsSender({ senderId: queue.senderId }, keys)
    const senderQueue = { senderId: queue.senderId, senderKey: keys.privateKey }
    return new Conversation({ sender, recipient }, { queue, senderQueue }, size)
  }

  /** Sends until {@link stopSending}. */
  async send(): Promise<void> {
    await Promise.all(Array.from({ length: WINDOW }, () => this.#sendOneByOne()))
  }

  stopSending(): void {
    this.#sending = false
  }

  /** Resolves when the queue is empty and every ACK has its answer. */
  async drained(): Promise<void> {
    for (;;) {
      await Promise.all(this.#acknowledging)
      const { size } = await this.#recipient.queueInfo(this.queue)
      if (size === 0 && this.#acknowledging.size === 0) return
      await setTimeout(QUOTA_PAUSE)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopSending()
    await Promise.all([this.#sender.close(), this.#recipient.close()])
  }

  async #sendOneByOne(): Promise<void> {
    while (this.#sending) {
      const { number, body } = this.ledger.next(this.#size())
      try {
        await this.#sender.sendMessage(this.#senderQueue, body)
        this.ledger.answered(number, "ok")
      } catch (error) {
        if (!(error instanceof SmpClientError)) throw error
        const { answer } = error
        if (answer === undefined && error.network) {
          this.ledger.answered(number, "unanswered")
        } else if (answer?.type === "QUOTA") {
          this.ledger.answered(number, "refused")
          await setTimeout(QUOTA_PAUSE)
        } else {
          throw error
        }
      }
    }
  }

  #receive(message: ReceivedMessage): void {
    const work = this.#acknowledgeAll(message)
    this.#acknowledging.add(work)
    work.finally(() => this.#acknowledging.delete(work))
  }

  /** Until the queue is empty; each ACK is answered with the next message if there is one. */
  async #acknowledgeAll(first: ReceivedMessage): Promise<void> {
    let message: ReceivedMessage | undefined = first
    while (message !== undefined) {
      const { msgId } = message
      const content = this.#recipient.decryptDelivered(this.queue, message)
      if (content === undefined) this.ledger.violations.push("delivered what does not decrypt")
      if (content?.kind === "message") this.ledger.delivered(msgId, content.body, this.#connection)
      try {
        message = await this.#recipient.acknowledge(this.queue, msgId)
        this.ledger.acknowledged(msgId)
      } catch (error) {
        if (!(error instanceof SmpClientError)) throw error
        // Without an answer it comes again with the next connection; NO_MSG means that it did so already.
        if (error.network || error.answer?.type === "NO_MSG") return
        throw error
      }
    }
  }
}
