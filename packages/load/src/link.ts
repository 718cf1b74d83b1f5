import type { CryptoBackend } from "@sluice/crypto/backend"
import { idKey } from "@sluice/encoding/bytes"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import { packBatches, writeBatch } from "@sluice/smp-protocol/batch"
import { decodeResponses, type ParsedResponse } from "@sluice/smp-protocol/block"
import type { CommandTag } from "@sluice/smp-protocol/commands"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { encodeOutgoingBytes, type Signer } from "@sluice/smp-protocol/outgoing"
import { type EntityId, ID_LENGTH } from "@sluice/smp-protocol/types"
import type { BlockStream } from "@sluice/transport/block-stream"
import type { ClientSession } from "@sluice/transport/session"

/** A command in bytes, with the entity that it is about and the key that authorizes it. */
export interface LinkCommand {
  readonly tag: CommandTag
  readonly command: Uint8Array
  readonly entityId: EntityId
  readonly key?: AuthPrivateKey | undefined
}

/** Gets the answer of the server, an `ERR` included, or the error that ended the connection. */
export type OnAnswer = (answer: BrokerMessage | SmpClientError) => void

/** Gets what comes without being asked for. Bytes are views on the block. */
export type OnEvent = (message: BrokerMessage, entityId: EntityId) => void

interface Pending {
  readonly tag: CommandTag
  readonly onAnswer: OnAnswer
}

/**
 * One connection of the load generator. It does what the typed client does for a command, without what that costs: no
 * promise, no timer and no turn of the event loop for each. Every call writes its blocks at once.
 */
export class Link {
  readonly session: ClientSession
  readonly #stream: BlockStream
  readonly #signer: Signer
  readonly #pending = new Map<string, Pending>()
  #onEvent: OnEvent = ignore
  #onEnd: () => void = ignore
  #ended: SmpClientError | undefined

  /** `stream` is as the handshake leaves it: paused, without a handler. */
  constructor(stream: BlockStream, session: ClientSession, crypto: CryptoBackend) {
    this.#stream = stream
    this.session = session
    this.#signer = { crypto, serverKey: session.serverKey }
    stream.setHandler({
      onBlock: (block) => this.#onBlock(block),
      onClose: () => this.#end(new SmpClientError({ code: "LOST" })),
    })
    stream.resume()
  }

  /** Replaces the listener for events; `onEnd` is called once the connection is gone, after all answers. */
  listen(onEvent: OnEvent, onEnd: () => void): void {
    this.#onEvent = onEvent
    this.#onEnd = onEnd
  }

  /** Sends a command in a block of its own. */
  ask(command: LinkCommand, onAnswer: OnAnswer): void {
    if (this.#ended !== undefined) {
      onAnswer(this.#ended)
      return
    }
    const transmission = this.#encode(command, onAnswer)
    const batch = { items: [transmission], length: 3 + transmission.length }
    this.#stream.write(this.session.blockCodec.encodeWith((content) => writeBatch(batch, content)))
  }

  /** Sends commands in as few blocks as they fit; `onAnswer` also gets the place of the command. */
  askAll(
    commands: readonly LinkCommand[],
    onAnswer: (answer: BrokerMessage | SmpClientError, at: number) => void,
  ): void {
    const ended = this.#ended
    if (ended !== undefined) {
      for (const at of commands.keys()) onAnswer(ended, at)
      return
    }
    const transmissions = commands.map((command, at) => this.#encode(command, (answer) => onAnswer(answer, at)))
    const blocks: Uint8Array[] = []
    for (const batch of packBatches(transmissions)) {
      if (!batch.fits) throw new RangeError("Link: a command that fits no block")
      blocks.push(this.session.blockCodec.encodeWith((content) => writeBatch(batch, content)))
    }
    this.#stream.writeAll(blocks)
  }

  /** Sends a command and gives the answer. Rejects with `SmpClientError` for `ERR` and for a lost connection. */
  request(command: LinkCommand): Promise<BrokerMessage> {
    return new Promise((resolve, reject) => {
      this.ask(command, (answer) => {
        const error = failureOf(command.tag, answer)
        if (error === undefined) resolve(answer as BrokerMessage)
        else reject(error)
      })
    })
  }

  /** The same for many commands in as few blocks as they fit. */
  async requestAll(commands: readonly LinkCommand[]): Promise<BrokerMessage[]> {
    const answers: (BrokerMessage | SmpClientError)[] = []
    await new Promise<void>((resolve) => {
      let left = commands.length
      if (left === 0) resolve()
      this.askAll(commands, (answer, at) => {
        answers[at] = answer
        if (--left === 0) resolve()
      })
    })
    return answers.map((answer, at) => {
      const error = failureOf(commands[at]?.tag ?? "", answer)
      if (error !== undefined) throw error
      return answer as BrokerMessage
    })
  }

  /** Reads no more: what the server sends from now on stays in buffers, and then with the server. */
  pause(): void {
    this.#stream.pause()
  }

  /** Called when nothing was heard for a while: ends the connection if an answer is overdue. */
  silent(): void {
    const [overdue] = this.#pending.values()
    if (overdue === undefined) return
    this.#end(new SmpClientError({ code: "TIMEOUT", command: overdue.tag }))
    this.#stream.destroy()
  }

  close(): void {
    this.#end(new SmpClientError({ code: "CLOSED" }))
    this.#stream.destroy()
  }

  #encode({ tag, command, entityId, key }: LinkCommand, onAnswer: OnAnswer): Uint8Array {
    const corrId = this.#signer.crypto.randomBytes(ID_LENGTH)
    this.#pending.set(idKey(corrId), { tag, onAnswer })
    return encodeOutgoingBytes(this.#signer, this.session, { corrId, entityId, tag, command, key })
  }

  #onBlock(block: Uint8Array): void {
    const content = this.session.blockCodec.decode(block)
    if (content === undefined) this.#unreadable()
    else for (const response of decodeResponses(content, this.session)) this.#onResponse(response)
  }

  #onResponse(response: ParsedResponse): void {
    if (!response.ok) {
      this.#unreadable()
      return
    }
    const { corrId, entityId, message } = response
    if (corrId.length === 0) {
      this.#onEvent(message, entityId)
      return
    }
    const key = idKey(corrId)
    const pending = this.#pending.get(key)
    this.#pending.delete(key)
    if (pending === undefined) this.#unreadable()
    else pending.onAnswer(message)
  }

  /** A server that says what makes no sense is not measured further. */
  #unreadable(): void {
    this.#end(new SmpClientError({ code: "UNPARSABLE", command: "connection" }))
    this.#stream.destroy()
  }

  #end(error: SmpClientError): void {
    if (this.#ended !== undefined) return
    this.#ended = error
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { onAnswer } of pending) onAnswer(error)
    this.#onEnd()
  }
}

/** What is wrong with an answer: an `ERR`, or no answer; `undefined` for a good one. */
export function failureOf(command: string, answer: BrokerMessage | SmpClientError): SmpClientError | undefined {
  if (answer instanceof SmpClientError) return answer
  if (answer.tag !== "ERR") return undefined
  return new SmpClientError({ code: "ERR", command, error: answer.error, from: "server" })
}

function ignore(): void {
  // Most links ask and do not listen: what comes by itself is nothing that is measured.
}
