import { type BlockCodec, plainBlocks } from "./block-codec.ts"
import type { BlockHandler, BlockStream } from "./block-stream.ts"
import { type CloseReason, networkError, protocolError, TransportError } from "./errors.ts"

/** Limits of a handshake. */
export interface ExchangeOptions {
  /** Milliseconds for the whole exchange; default 120000 (transport.md §2.6). */
  readonly timeoutMs?: number
  /** Gives up early and closes the connection. */
  readonly signal?: AbortSignal
}

const DEFAULT_TIMEOUT_MS = 120_000

/**
 * The blocks of a handshake, one at a time: padded, never encrypted. The stream is paused except while a block is
 * awaited, so a block that follows the handshake waits for the session's own handler.
 */
export class HandshakeExchange implements BlockHandler {
  readonly #stream: BlockStream
  readonly #codec: BlockCodec
  readonly #signal: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout
  #awaiting: ((block: Uint8Array) => void) | undefined
  #reject: ((error: unknown) => void) | undefined
  #failure: TransportError | undefined
  #ended = false

  constructor(stream: BlockStream, options: ExchangeOptions) {
    this.#stream = stream
    this.#codec = plainBlocks(stream.blockSize)
    this.#signal = options.signal
    this.#timer = setTimeout(
      () => this.#fail(networkError({ type: "TIMEOUT" })),
      options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    )
    this.#signal?.addEventListener("abort", this.#onAbort)
    if (this.#signal?.aborted) this.#onAbort()
    stream.setHandler(this)
  }

  /** Sends one block with this content. */
  send(content: Uint8Array): void {
    if (!this.#stream.writable) this.#failure ??= new TransportError({ kind: "closed", reason: "ended" })
    if (this.#failure !== undefined) throw this.#failure
    this.#stream.write(this.#codec.encode([content]))
  }

  /** The content of the next block. Rejects with LARGE_MSG when its padding is wrong. */
  async receive(): Promise<Uint8Array> {
    const block = await this.#wait<Uint8Array>((resolve) => {
      this.#awaiting = resolve
      this.#stream.resume()
    })
    const content = this.#codec.decode(block)
    if (content === undefined) throw protocolError("LARGE_MSG")
    return content
  }

  /** The result of `work`, unless time or the connection ends before it. */
  during<T>(work: Promise<T>): Promise<T> {
    return this.#wait<T>((resolve, reject) => work.then(resolve, reject))
  }

  /** Sends a last block and closes after it. */
  sendAndEnd(content: Uint8Array): void {
    this.send(content)
    this.#ended = true
    this.#stream.end()
  }

  /** Closes the connection, at once unless {@link sendAndEnd} is under way. */
  abandon(): void {
    if (!this.#ended) this.#stream.destroy()
  }

  /** Stops the clock. Leaves the stream as it is, paused, for the next handler. */
  release(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener("abort", this.#onAbort)
  }

  onBlock(block: Uint8Array): void {
    this.#stream.pause()
    this.#reject = undefined
    const resolve = this.#awaiting
    this.#awaiting = undefined
    resolve?.(block)
  }

  onClose(reason: CloseReason, error?: Error): void {
    this.#fail(new TransportError({ kind: "closed", reason }, error === undefined ? undefined : { cause: error }))
  }

  readonly #onAbort = (): void => {
    this.#fail(new TransportError({ kind: "closed", reason: "closed" }, { cause: this.#signal?.reason }))
  }

  #wait<T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      this.#reject = reject
      start(resolve, reject)
    })
  }

  #fail(error: TransportError): void {
    this.#failure ??= error
    const reject = this.#reject
    this.#reject = undefined
    reject?.(this.#failure)
  }
}
