import { setTimeout as wait } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { idKey } from "@sluice/encoding/bytes"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { SmpClient } from "@sluice/smp-client/client"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { CreatedQueue, ReceivedMessage, SenderQueue } from "@sluice/smp-client/queue-types"
import { QueueLedger } from "../support/kill-ledger.ts"

/** Gives a silent server up after seconds, and comes back quickly. */
export const CLIENT_OPTIONS = {
  patience: "interactive",
  commandTimeoutMs: 2_500,
  connectTimeoutMs: 4_000,
  pingAfterMs: 1_500,
  maxTimeouts: 1,
  minSilenceMs: 0,
  backoff: { initialMs: 50, maxMs: 400, stableMs: 0 },
} as const

/** How long a sender waits after ERR QUOTA, and after a failure, ms. */
const PAUSE = 100
/** How long a connection stays that another one took its queues over from, ms. */
const LEAVE_AFTER = 1_000
/** More than a queue is subscribed again on one connection. */
const MANY = 10_000
/** Time for everything to be delivered at the end, ms: only a failing run takes so long. */
const LONGEST_END = 30_000
/** Answers that say that the store had a problem: what was asked for may have been done. */
const STORE_PROBLEMS = new Set(["INTERNAL", "STORE"])

export interface TrafficOptions {
  readonly address: ServerAddress
  readonly queues: number
  /** Clients that send, and as many that receive; queues are dealt out among them. */
  readonly clients: number
  /** Milliseconds between two messages of a queue, on average. */
  readonly pace: number
  readonly random: () => number
}

/** One queue: its books, and what its two parties know. */
interface Conversation {
  readonly ledger: QueueLedger
  readonly queue: CreatedQueue
  readonly senderQueue: SenderQueue
  readonly sender: SmpClient
  /** Who receives now. */
  recipient: Recipient
  /** How often it was subscribed again by itself: with each, the same connection may get the same message. */
  subscribed: number
}

/** A client that receives for several queues. */
interface Recipient {
  readonly client: SmpClient
  readonly number: number
  readonly conversations: Map<string, Conversation>
  /** Connections that it had. */
  connections: number
}

/** Clients that send, receive, acknowledge and reconnect, and the books about it. */
export class Traffic implements AsyncDisposable {
  readonly #options: TrafficOptions
  readonly #senders: SmpClient[]
  /** Connections of those that send. */
  readonly #ups = new Map<SmpClient, number>()
  readonly #recipients: Recipient[]
  readonly #conversations: Conversation[] = []
  readonly #acknowledging = new Set<Promise<void>>()
  #sending: Promise<unknown> = Promise.resolve()
  #stopped = false
  #made = 0
  /** What must not be, beside what the ledgers find. */
  readonly violations: string[] = []
  /** END events of recipients. */
  ends = 0
  /** Queues that a recipient took over from another connection of its own. */
  takenOver = 0

  private constructor(options: TrafficOptions) {
    this.#options = options
    const clients = Array.from({ length: options.clients })
    this.#senders = clients.map(() => this.#sender())
    this.#recipients = clients.map(() => this.#recipient())
  }

  /** Makes the queues, each secured and subscribed. */
  static async start(options: TrafficOptions): Promise<Traffic> {
    const traffic = new Traffic(options)
    const { queues, clients } = options
    for (let begin = 0; begin < queues; begin += clients) {
      const some = Array.from({ length: Math.min(clients, queues - begin) }, (_, i) => traffic.#createQueue(i))
      traffic.#conversations.push(...(await Promise.all(some)))
    }
    return traffic
  }

  get ledgers(): readonly QueueLedger[] {
    return this.#conversations.map(({ ledger }) => ledger)
  }

  /** Connections of all recipients. */
  get connections(): number {
    return this.#recipients.reduce((sum, { connections }) => sum + connections, 0)
  }

  /** Connections that each client had: those that send, then those that receive. */
  get connectionsOfEach(): readonly number[] {
    return [...this.#senders.map((sender) => this.#ups.get(sender) ?? 0), ...this.#recipients.map((r) => r.connections)]
  }

  /**
   * A recipient comes back on a connection of its own, to whichever node, while the former one is still there: that hears
   * of it for each queue (END), and goes away some time later.
   */
  async takeOver(index: number): Promise<void> {
    const former = this.#recipients[index]
    if (former === undefined) throw new RangeError("no such recipient")
    const recipient = this.#recipient()
    this.#recipients[index] = recipient
    for (const [key, conversation] of former.conversations) {
      recipient.conversations.set(key, conversation)
      conversation.recipient = recipient
    }
    this.takenOver += recipient.conversations.size
    await Promise.all([...recipient.conversations.values()].map((conversation) => this.#subscribe(conversation)))
    await wait(LEAVE_AFTER)
    await former.client.close()
  }

  /** Begins to send. */
  begin(): void {
    this.#sending = Promise.all(this.#conversations.map((conversation) => this.#send(conversation)))
  }

  /** Ends sending and resolves when every queue is empty and every ACK has its answer, or after a long time. */
  async finish(): Promise<void> {
    this.#stopped = true
    await this.#sending
    const late = AbortSignal.timeout(LONGEST_END)
    await Promise.all(this.#conversations.map((conversation) => this.#drained(conversation, late)))
    for (const { ledger } of this.#conversations) ledger.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#senders, ...this.#recipients.map(({ client }) => client)].map((one) => one.close()))
  }

  #sender(): SmpClient {
    const client = new SmpClient(this.#options.address, CLIENT_OPTIONS)
    client.events.on("up", () => this.#ups.set(client, (this.#ups.get(client) ?? 0) + 1))
    return client
  }

  #recipient(): Recipient {
    const client = new SmpClient(this.#options.address, CLIENT_OPTIONS)
    const recipient: Recipient = { client, number: this.#made++, conversations: new Map(), connections: 0 }
    client.events.on("up", () => {
      recipient.connections++
    })
    client.events.on("message", (message) => this.#received(recipient, message))
    client.events.on("end", ({ entityId }) => {
      this.ends++
      const found = recipient.conversations.get(idKey(entityId))
      // Unless another connection of the same recipient is meant to have it.
      if (found?.recipient === recipient) this.#track(this.#subscribe(found))
    })
    client.events.on("subscription-failed", ({ entityId, error }) => {
      const found = entityId === undefined ? undefined : recipient.conversations.get(idKey(entityId))
      // With the next connection the client subscribes again by itself.
      if (found?.recipient === recipient && !gone(error)) this.#track(this.#subscribe(found))
    })
    return recipient
  }

  async #createQueue(index: number): Promise<Conversation> {
    const [sender, recipient] = [this.#senders[index], this.#recipients[index]]
    if (sender === undefined || recipient === undefined) throw new RangeError("no such client")
    const queue = await recipient.client.createQueue()
    const keys = nativeCrypto.generateKeyPair("ed25519")
    await sender.secureAsSender({ senderId: queue.senderId }, keys)
    const senderQueue = { senderId: queue.senderId, senderKey: keys.privateKey }
    const conversation = { ledger: new QueueLedger("answered"), queue, senderQueue, sender, recipient, subscribed: 0 }
    recipient.conversations.set(idKey(queue.recipientId), conversation)
    return conversation
  }

  async #send({ ledger, sender, senderQueue }: Conversation): Promise<void> {
    const { pace, random } = this.#options
    await wait(random() * pace)
    while (!this.#stopped) {
      const { number, body } = ledger.next(4 + Math.floor(random() * 2_000))
      try {
        await sender.sendMessage(senderQueue, body)
        ledger.answered(number, "ok")
      } catch (error) {
        ledger.answered(number, this.#outcomeOf(error))
        await wait(PAUSE)
      }
      await wait(pace * (0.5 + random()))
    }
  }

  #outcomeOf(error: unknown): "unanswered" | "refused" {
    if (!(error instanceof SmpClientError)) throw error
    if (answerOf(error) === "QUOTA") return "refused"
    if (!gone(error) && !mayHelpToRepeat(error)) {
      this.violations.push(`a message was answered with ${answerOf(error) ?? error.problem.code}`)
    }
    return "unanswered"
  }

  #received(recipient: Recipient, message: ReceivedMessage): void {
    const conversation = recipient.conversations.get(idKey(message.recipientId))
    if (conversation === undefined) this.violations.push("delivered from a queue that was never made")
    else this.#track(this.#acknowledgeAll(conversation, recipient, message))
  }

  #track(work: Promise<void>): void {
    this.#acknowledging.add(work)
    work
      .catch((error: unknown) => this.violations.push(`a client failed: ${String(error)}`))
      .finally(() => this.#acknowledging.delete(work))
  }

  /** Until the queue is empty; each ACK is answered with the next message if there is one. */
  async #acknowledgeAll(conversation: Conversation, recipient: Recipient, first: ReceivedMessage): Promise<void> {
    const { ledger, queue } = conversation
    let message: ReceivedMessage | undefined = first
    while (message !== undefined) {
      const { msgId } = message
      const content = recipient.client.decryptDelivered(queue, message)
      if (content === undefined) this.violations.push("delivered what does not decrypt")
      const way = (recipient.number * MANY + recipient.connections) * MANY + conversation.subscribed
      if (content?.kind === "message") ledger.delivered(msgId, content.body, way)
      message = await this.#acknowledge(conversation, recipient, msgId)
    }
  }

  async #acknowledge(
    { ledger, queue }: Conversation,
    recipient: Recipient,
    id: Uint8Array,
  ): Promise<ReceivedMessage | undefined> {
    const connection = recipient.connections
    for (;;) {
      try {
        const next = await recipient.client.acknowledge(queue, id)
        ledger.acknowledged(id)
        return next
      } catch (error) {
        // With the next connection it comes again; NO_MSG means that it did so already, or that it was acknowledged.
        if (gone(error) || recipient.connections !== connection || answerOf(error) === "NO_MSG") return undefined
        if (!mayHelpToRepeat(error)) throw error
        await wait(PAUSE)
      }
    }
  }

  /** Subscribes until that succeeds. */
  async #subscribe(conversation: Conversation): Promise<void> {
    const { queue, recipient } = conversation
    while (conversation.recipient === recipient) {
      try {
        conversation.subscribed++
        await recipient.client.subscribe(queue)
        return
      } catch (error) {
        if (error instanceof SmpClientError && error.problem.code === "CLOSED") return
        if (!gone(error) && !mayHelpToRepeat(error)) throw error
        await wait(PAUSE)
      }
    }
  }

  async #drained({ queue, recipient }: Conversation, late: AbortSignal): Promise<void> {
    for (;;) {
      const size = await recipient.client.queueInfo(queue).then(
        (info) => info.size,
        (error: unknown) => {
          if (error instanceof SmpClientError && error.retryable) return undefined
          throw error
        },
      )
      if (size === 0 && this.#acknowledging.size === 0) return
      if (late.aborted) {
        this.violations.push(`a queue holds ${size} messages that nobody is given`)
        return
      }
      await wait(PAUSE)
    }
  }
}

/** The connection is gone, and with it everything that was under way on it. */
function gone(error: unknown): boolean {
  return error instanceof SmpClientError && error.network && error.problem.code !== "TIMEOUT"
}

function answerOf(error: unknown): string | undefined {
  return error instanceof SmpClientError ? error.answer?.type : undefined
}

/** No answer in time, or one that tells of a problem of the store. */
function mayHelpToRepeat(error: unknown): boolean {
  if (!(error instanceof SmpClientError)) return false
  return error.problem.code === "TIMEOUT" || STORE_PROBLEMS.has(error.answer?.type ?? "")
}
