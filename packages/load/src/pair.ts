import { nativeCrypto } from "@sluice/crypto/native"
import { equalBytes } from "@sluice/encoding/bytes"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { encodeCommand } from "@sluice/smp-protocol/commands"
import { decryptDelivered } from "@sluice/smp-protocol/delivered-body"
import type { BrokerMessage, MessageOf } from "@sluice/smp-protocol/messages"
import { failureOf, type Link } from "./link.ts"
import type { LoadQueue } from "./load-queue.ts"
import type { MessageSender } from "./message-sender.ts"

/** What a pair tells about its messages. Times are milliseconds since the message was due. */
export interface PairListener {
  /** `OK` came to a `SEND`. */
  accepted(ms: number): void
  /** The message arrived at its recipient. */
  delivered(ms: number): void
  /** The message was accepted, delivered and acknowledged, or it failed; the pair has room for another one. */
  finished(pair: Pair, done: boolean): void
  failed(error: SmpClientError): void
  /** A connection of the pair is gone: it takes no more messages, and those on their way are lost. */
  broken(pair: Pair): void
}

interface Message {
  readonly due: number
  /** What is still missing: the answer to `SEND`, and that to `ACK`. */
  missing: number
}

/**
 * A sender and a recipient with a queue between them. A queue delivers in the order in which it accepted, so the oldest
 * message on its way is the one that arrives, and none needs to be opened to know which it is.
 */
export class Pair {
  readonly queue: LoadQueue
  readonly recipient: Link
  readonly #sender: MessageSender
  readonly #body: Uint8Array
  #underway: Message[] = []
  #listener: PairListener | undefined
  #inFlight = 0
  #broken = false
  #checked = false

  constructor(recipient: Link, queue: LoadQueue, sender: MessageSender, body: Uint8Array) {
    this.queue = queue
    this.recipient = recipient
    this.#sender = sender
    this.#body = body
    recipient.listen(
      (event) => {
        if (event.tag === "MSG") this.#onMessage(event)
      },
      () => this.#break(),
    )
  }

  /** Messages that are not finished. */
  get inFlight(): number {
    return this.#inFlight
  }

  get broken(): boolean {
    return this.#broken
  }

  /** Replaces the listener: one for each part of a run. */
  listen(listener: PairListener): void {
    this.#listener = listener
  }

  /** Sends a message that was due at this time of `performance.now()`. */
  send(due: number): void {
    const message: Message = { due, missing: 2 }
    this.#underway.push(message)
    this.#inFlight++
    this.#sender.send((answer) => this.#onAnswer(message, answer))
  }

  close(): void {
    this.#listener = undefined
    this.#sender.close()
    this.recipient.close()
  }

  #onAnswer(message: Message, answer: BrokerMessage | SmpClientError): void {
    const error = failureOf("SEND", answer)
    if (error === undefined) {
      this.#listener?.accepted(performance.now() - message.due)
      this.#oneLess(message)
      return
    }
    this.#listener?.failed(error)
    if (error.problem.code === "ERR") {
      this.#underway = this.#underway.filter((other) => other !== message)
      this.#finish(false)
    } else {
      this.#break()
    }
  }

  #onMessage({ msgId, body }: MessageOf<"MSG">): void {
    const message = this.#underway.shift()
    if (message !== undefined) this.#listener?.delivered(performance.now() - message.due)
    if (!this.#checked) this.#check(msgId, body)
    const command = encodeCommand({ tag: "ACK", msgId }, this.recipient.session.version)
    const { recipientId, keys } = this.queue
    this.recipient.ask({ tag: "ACK", command, entityId: recipientId, key: keys.auth.privateKey }, (answer) => {
      const error = failureOf("ACK", answer)
      if (error !== undefined) this.#listener?.failed(error)
      if (message !== undefined && error === undefined) this.#oneLess(message)
      else if (message !== undefined && error?.problem.code === "ERR") this.#finish(false)
      if (!(answer instanceof SmpClientError) && answer.tag === "MSG") this.#onMessage(answer)
    })
  }

  /** Opens the first message: a server that delivers something else is not measured. */
  #check(msgId: Uint8Array, body: Uint8Array): void {
    this.#checked = true
    const { keys, serverDhKey } = this.queue
    const key = nativeCrypto.boxKey(nativeCrypto.diffieHellman(keys.dh.privateKey, serverDhKey))
    const content = decryptDelivered(nativeCrypto, key, msgId, body)
    if (content?.kind === "message" && equalBytes(content.body, this.#body)) return
    this.#listener?.failed(new SmpClientError({ code: "CRYPTO", command: "MSG" }))
  }

  #oneLess(message: Message): void {
    if (--message.missing === 0) this.#finish(true)
  }

  #finish(done: boolean): void {
    this.#inFlight--
    this.#listener?.finished(this, done)
  }

  #break(): void {
    if (this.#broken) return
    this.#broken = true
    this.#listener?.broken(this)
  }
}
