import { equalBytes } from "@sluice/encoding/bytes"
import type { ClientEvent } from "@sluice/smp-client/client"
import { isClientError } from "@sluice/smp-client/client-error"
import { decryptDelivered } from "@sluice/smp-client/delivered"
import type { ReceivedMessage } from "@sluice/smp-client/queue-types"
import type { AckBy } from "../connection/arrival.ts"
import type { Draft } from "../connection/draft.ts"
import { quotaMarker } from "../connection/quota.ts"
import { receive } from "../connection/receive.ts"
import { AgentError } from "../errors.ts"
import { asAgentError } from "../network/network-error.ts"
import type { Session } from "../network/session-pool.ts"
import type { ConnectionId, ReceiveQueueRecord } from "../store/records.ts"
import type { AgentBase } from "./base.ts"
import { type DrainingParts, oldQueueDrained } from "./draining.ts"

/** What {@link Receiver} needs. */
export type ReceiverParts = DrainingParts & Pick<AgentBase, "crypto" | "events">

/** What is left to do after a message was stored. */
interface Taken {
  readonly ack: AckBy
  readonly queue: ReceiveQueueRecord | undefined
}

/** Takes the messages that servers deliver. */
export class Receiver {
  readonly #parts: ReceiverParts
  readonly #working = new Set<Promise<void>>()
  #stopped = false
  #stopping = new AbortController()

  constructor(parts: ReceiverParts) {
    this.#parts = parts
  }

  /** Everything that a client tells, the messages of its queues among it. */
  onEvent(session: Session, event: ClientEvent): void {
    const { subscriptions } = this.#parts
    if (event.type !== "message") {
      subscriptions.onEvent(session, event)
      return
    }
    const queue = subscriptions.find(session, event.recipientId)
    if (queue !== undefined) this.#start(queue.connectionId, session, event)
  }

  /** One message that was fetched; whether the user has to acknowledge it. */
  async take(connectionId: ConnectionId, session: Session, message: ReceivedMessage): Promise<AckBy> {
    const { ack, queue } = await this.#store(connectionId, message)
    if (ack === "agent" && queue !== undefined) await session.client.acknowledge(queue, message.msgId)
    return ack
  }

  /**
   * Tells the server that the user is done with a message, and takes the next one. Whether the server knows now; else it
   * delivers the message again.
   */
  async acknowledged(
    connectionId: ConnectionId,
    session: Session,
    queue: ReceiveQueueRecord,
    serverId: Uint8Array,
  ): Promise<boolean> {
    try {
      const next = await session.client.acknowledge(queue, serverId)
      if (next !== undefined) this.#start(connectionId, session, next)
      return true
    } catch (error) {
      return isClientError(error) && error.answer?.type === "NO_MSG"
    }
  }

  /** Takes no more messages; resolves when none is being taken. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopping.abort(new AgentError({ code: "INACTIVE" }))
    await Promise.all(this.#working)
  }

  resume(): void {
    this.#stopped = false
    this.#stopping = new AbortController()
  }

  #start(connectionId: ConnectionId, session: Session, { recipientId, msgId, body }: ReceivedMessage): void {
    if (this.#stopped) return
    // What clients hand out are views on a block that is used again.
    const message = { recipientId: recipientId.slice(), msgId: msgId.slice(), body: body.slice() }
    const taken = this.#takeAll(connectionId, session, message)
      .catch((error: unknown) => this.#failed(connectionId, asAgentError(error)))
      .finally(() => this.#working.delete(taken))
    this.#working.add(taken)
  }

  /** A message for a connection that was deleted meanwhile is nobody's concern; nor is one that comes when all stops. */
  #failed(connectionId: ConnectionId, error: AgentError): void {
    const { problem } = error
    if (problem.code === "INACTIVE" || (problem.code === "CONN" && problem.reason === "NOT_FOUND")) return
    this.#parts.events.emit({ type: "error", connectionId, error })
  }

  /** A message, and those that its acknowledgement brings. */
  async #takeAll(connectionId: ConnectionId, session: Session, first: ReceivedMessage): Promise<void> {
    let message: ReceivedMessage | undefined = first
    await oldQueueDrained(this.#parts, connectionId, first.recipientId, this.#stopping.signal)
    while (message !== undefined && !this.#stopped) {
      const { ack, queue }: Taken = await this.#store(connectionId, message)
      if (ack === "user" || queue === undefined) return
      message = await this.#acknowledge(session, queue, message)
    }
  }

  /**
   * Without an answer the server delivers the message again, which is then found to be known. So a failure here is no
   * concern of the user.
   */
  async #acknowledge(
    { client }: Session,
    queue: ReceiveQueueRecord,
    { msgId }: ReceivedMessage,
  ): Promise<ReceivedMessage | undefined> {
    try {
      const next = await client.acknowledge(queue, msgId)
      return next && { recipientId: next.recipientId.slice(), msgId: next.msgId.slice(), body: next.body.slice() }
    } catch {
      return undefined
    }
  }

  #store(connectionId: ConnectionId, message: ReceivedMessage): Promise<Taken> {
    const take = async (draft: Draft): Promise<Taken> => {
      const queue = draft.record.receiveQueues.find((one) => equalBytes(one.recipientId, message.recipientId))
      if (queue === undefined) return { ack: "agent", queue }
      return { ack: await this.#receive(draft, queue, message), queue }
    }
    return this.#parts.connections.change(connectionId, take)
  }

  async #receive(draft: Draft, queue: ReceiveQueueRecord, message: ReceivedMessage): Promise<AckBy> {
    const content = decryptDelivered(this.#parts.crypto, queue, message)
    if (content === undefined) {
      draft.complain({ type: "A_CRYPTO", error: { type: "DECRYPT_CB" } })
      return "agent"
    }
    if (content.kind === "quota") {
      quotaMarker(draft, queue)
      return "agent"
    }
    const { timestamp: serverTime, notify, body } = content
    const ack = await receive(draft, queue, { serverId: message.msgId, serverTime, notify, body })
    draft.setReceiveQueue(queue.key, { lastMessageAt: Math.max(serverTime, queue.lastMessageAt ?? 0) })
    return ack
  }
}
