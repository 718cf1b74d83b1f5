import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Server } from "@sluice/encoding/server-address"
import {
  decodeNtfResponses,
  MAX_NTF_TRANSMISSION,
  ntfContents,
  ntfParams,
  type ReceivedNtfResponse,
  type RejectedNtf,
} from "@sluice/ntf-protocol/block"
import { encodeNtfOutgoing } from "@sluice/ntf-protocol/outgoing"
import type { NtfResponse } from "@sluice/ntf-protocol/responses"
import { encoded, SmpClientError } from "@sluice/smp-client/client-error"
import type { Clock } from "@sluice/smp-client/clock"
import { CommandFlow, type FlowOptions, type Started } from "@sluice/smp-client/command-flow"
import { Outbox, type OutboxItem } from "@sluice/smp-client/outbox"
import type { CallOptions } from "@sluice/smp-client/request"
import type { TransmissionParams } from "@sluice/smp-protocol/transmission"
import { ID_LENGTH, NO_ENTITY } from "@sluice/smp-protocol/types"
import { type BlockCodec, plainBlocks } from "@sluice/transport/block-codec"
import type { BlockStream } from "@sluice/transport/block-stream"
import type { CloseReason } from "@sluice/transport/errors"
import type { NtfRequest } from "./channel.ts"
import { NtfCommands } from "./ntf-commands.ts"
import type { NtfSession } from "./session.ts"

/** What a connection is made from. */
export interface NtfConnectionParts {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly server: Server
  /** Paused and without a handler, as the handshake leaves it. */
  readonly stream: BlockStream
  readonly session: NtfSession
}

/** One connection to a notification server, from the end of the handshake until it closes; made by `connectNtf`. */
export class NtfConnection extends NtfCommands implements AsyncDisposable {
  readonly crypto: CryptoBackend
  readonly server: Server
  readonly session: NtfSession
  /** Settles with the reason when the connection is gone: `CLOSED` by this program, else `LOST`. */
  readonly closed: Promise<SmpClientError>
  readonly #params: TransmissionParams
  readonly #codec: BlockCodec
  readonly #stream: BlockStream
  readonly #flow: CommandFlow<NtfResponse>
  readonly #outbox: Outbox
  #end: SmpClientError | undefined
  #whenClosed: (error: SmpClientError) => void = () => undefined

  constructor(parts: NtfConnectionParts, options: FlowOptions = {}) {
    super()
    const { crypto, clock, server, stream, session } = parts
    this.crypto = crypto
    this.server = server
    this.session = session
    this.#params = ntfParams(session.version, session.sessionId)
    this.#codec = plainBlocks(stream.blockSize)
    this.#stream = stream
    this.#outbox = new Outbox((items) => this.#write(items))
    this.#flow = new CommandFlow<NtfResponse>(options, clock, () => undefined)
    this.closed = new Promise((resolve) => {
      this.#whenClosed = resolve
    })
    stream.setHandler({
      onBlock: (block) => this.#onBlock(block),
      onDrain: () => this.#outbox.drained(),
      onClose: (reason, error) => this.#onClose(reason, error),
    })
    stream.resume()
  }

  /** Whether commands can still be sent. */
  get open(): boolean {
    return this.#end === undefined
  }

  override send(requests: readonly NtfRequest[], call: CallOptions = {}): Promise<NtfResponse>[] {
    return requests.map((request) => this.#flow.submit(request.command.tag, () => this.#start(request), call))
  }

  /** Sends what is waiting, rejects what is unanswered, and closes. Resolves once the connection is gone. */
  async close(): Promise<void> {
    this.#outbox.flush()
    this.#finish(new SmpClientError({ code: "CLOSED" }))
    this.#stream.end()
    await this.closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #start(request: NtfRequest): Started {
    const { command, key, entityId = NO_ENTITY, corrId = this.crypto.randomBytes(ID_LENGTH) } = request
    const { tag } = command
    const { serverKey } = this.session
    if (key?.algorithm === "x25519" && serverKey === undefined) {
      throw new SmpClientError({ code: "NO_SERVER_KEY", command: tag })
    }
    const signer = { crypto: this.crypto, serverKey }
    const transmission = encoded(tag, () => encodeNtfOutgoing(signer, this.#params, { corrId, entityId, command, key }))
    if (transmission.length > MAX_NTF_TRANSMISSION) throw new SmpClientError({ code: "TOO_LARGE", command: tag })
    return { corrId, entityId, cancel: this.#outbox.add(transmission) }
  }

  #write(items: readonly OutboxItem[]): boolean {
    if (items.length === 0) return true
    const contents = ntfContents(
      items.map(({ bytes }) => bytes),
      this.#params,
    )
    return this.#stream.writeAll(contents.map((content) => this.#codec.encode([content])))
  }

  #onBlock(block: Uint8Array): void {
    const content = this.#codec.decode(block)
    // What cannot be read answers nothing; the commands it was for time out.
    if (content !== undefined)
      for (const response of decodeNtfResponses(content, this.#params)) this.#onResponse(response)
  }

  #onResponse(response: ReceivedNtfResponse | RejectedNtf): void {
    const match = this.#flow.match(response.corrId, response.entityId)
    if (match.kind === "late" || match.kind === "unknown") return
    const { command } = match
    if (!response.ok) {
      command.reject(new SmpClientError({ code: "UNPARSABLE", command: command.tag }))
      return
    }
    // The entity of an error may be missing: errors of a block have none (notifications.md §3.1).
    const entityless = response.response.tag === "ERR" && response.entityId.length === 0
    if (match.kind === "answer" || entityless) command.resolve(response.response)
    else command.reject(new SmpClientError({ code: "UNEXPECTED", command: command.tag, answer: response.response.tag }))
  }

  #onClose(reason: CloseReason, cause: Error | undefined): void {
    const lost = new SmpClientError({ code: "LOST" }, { cause: cause ?? new Error(`connection ${reason}`) })
    this.#whenClosed(this.#finish(lost))
  }

  #finish(error: SmpClientError): SmpClientError {
    this.#end ??= error
    this.#flow.end(this.#end)
    return this.#end
  }
}
