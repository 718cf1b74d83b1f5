import type { Duplex } from "node:stream"
import type { CloseReason } from "./errors.ts"

/** Bytes of an SMP transport block (transport.md §1). The notification protocol has smaller ones. */
export const BLOCK_SIZE = 16_384

/** What a {@link BlockStream} reports. Handlers do not throw: one that does costs its own connection. */
export interface BlockHandler {
  /** One whole block. It belongs to the handler, which may overwrite it. */
  onBlock(block: Uint8Array): void
  /** There is room again after `write` returned `false`. */
  onDrain?(): void
  /** Called once, after which nothing else is. `error` says more when the reason is `failed`. */
  onClose?(reason: CloseReason, error?: Error): void
}

/** Settings of a {@link BlockStream}. */
export interface BlockStreamOptions {
  /** Bytes of a block; default {@link BLOCK_SIZE}. */
  readonly blockSize?: number
  /** Blocks that may wait to be sent before `write` asks its caller to stop; default 16. */
  readonly highWaterBlocks?: number
  /** Milliseconds that the peer gets after `end` to take what was written and to close its side; default 5000. */
  readonly lingerMs?: number
  /**
   * Told of every block that was written and is not needed any more. Only for a duplex that passes on copies, as TLS does:
   * it calls back when it has encrypted a block and handed that to the system.
   */
  readonly onSent?: (block: Uint8Array) => void
}

/**
 * Cuts a byte stream into blocks of one exact size, and writes such blocks (transport.md §1).
 *
 * A chunk that is one whole block, which is what TLS delivers for one record, is handed on without a copy; anything
 * else is put together in a buffer that exists only while a block is incomplete. It starts paused and without a handler:
 * set one, then `resume`. While paused no block is reported, nor that the peer ended the stream; a failure is.
 */
export class BlockStream {
  readonly blockSize: number
  readonly #duplex: Duplex
  readonly #highWater: number
  readonly #lowWater: number
  readonly #lingerMs: number
  readonly #onSent: ((block: Uint8Array) => void) | undefined
  /** Written and not yet called back for, in order; only with `onSent`. */
  readonly #unsent: Uint8Array[] = []
  #handler: BlockHandler | undefined
  #partial: Uint8Array | undefined
  #filled = 0
  #paused = true
  #ending = false
  #blocked = false
  #error: Error | undefined
  #closed: CloseReason | undefined
  #linger: NodeJS.Timeout | undefined

  constructor(duplex: Duplex, options: BlockStreamOptions = {}) {
    this.blockSize = options.blockSize ?? BLOCK_SIZE
    this.#duplex = duplex
    this.#highWater = (options.highWaterBlocks ?? 16) * this.blockSize
    this.#lowWater = this.#highWater / 2
    this.#lingerMs = options.lingerMs ?? 5000
    this.#onSent = options.onSent
    // Paused before the listener is added: adding it would start the flow.
    duplex.pause()
    duplex.on("data", (chunk: Uint8Array) => this.#onData(chunk))
    duplex.on("end", () => this.#onEnd())
    duplex.on("error", (error: Error) => {
      this.#error ??= error
    })
    duplex.on("close", () => this.#onClosed())
  }

  /** Replaces the handler. One that comes after the end is still told about it, on the next turn of the microtask queue. */
  setHandler(handler: BlockHandler): void {
    this.#handler = handler
    const reason = this.#closed
    if (reason !== undefined) queueMicrotask(() => handler.onClose?.(reason, this.#error))
  }

  /** Bytes written and not yet taken by the socket. */
  get bufferedBytes(): number {
    return this.#duplex.writableLength
  }

  /** Whether blocks can still be written. */
  get writable(): boolean {
    return this.#closed === undefined && !this.#ending && this.#duplex.writable
  }

  /** Stops reporting blocks, inside `onBlock` too; what follows in the same chunk is kept. */
  pause(): void {
    this.#paused = true
    this.#duplex.pause()
  }

  /** Goes on after `pause`. Nothing is reported before this call returns. */
  resume(): void {
    this.#paused = false
    this.#duplex.resume()
  }

  /**
   * Sends one block. `false` asks the caller to wait for `onDrain`; the block is accepted all the same. The block must
   * not be changed afterwards. After the end it is dropped.
   */
  write(block: Uint8Array): boolean {
    if (block.length !== this.blockSize) throw new RangeError("BlockStream: wrong block size")
    if (!this.writable) return false
    if (this.#onSent !== undefined) this.#unsent.push(block)
    this.#duplex.write(block, this.#onWritten)
    return this.#hasRoom()
  }

  /** Sends several blocks in one go: one TLS write instead of one for each. */
  writeAll(blocks: readonly Uint8Array[]): boolean {
    if (blocks.length === 1) return this.write(blocks[0] as Uint8Array)
    this.#duplex.cork()
    try {
      for (const block of blocks) this.write(block)
    } finally {
      this.#duplex.uncork()
    }
    return this.#hasRoom()
  }

  /** Ends after everything written was sent. Blocks that still arrive are thrown away. */
  end(): void {
    if (this.#ending || this.#closed !== undefined) return
    this.#ending = true
    this.#finishOutput()
    // Closing a socket with unread input resets the connection, which could undo our last blocks at the peer.
    this.#duplex.resume()
  }

  /** Closes at once; what was not sent yet is lost. */
  destroy(): void {
    this.#ending = true
    this.#duplex.destroy()
  }

  readonly #onWritten = (error?: Error | null): void => {
    const sent = this.#unsent.shift()
    // After a failure it is not known what the socket still holds.
    if (sent !== undefined && !error) this.#onSent?.(sent)
    if (!this.#blocked || !this.writable || this.#duplex.writableLength > this.#lowWater) return
    this.#blocked = false
    try {
      this.#handler?.onDrain?.()
    } catch (error) {
      this.#fail(error)
    }
  }

  #hasRoom(): boolean {
    if (!this.writable) return false
    if (this.#duplex.writableLength >= this.#highWater) this.#blocked = true
    return !this.#blocked
  }

  #onData(chunk: Uint8Array): void {
    if (this.#ending) return
    const size = this.blockSize
    let at = 0
    if (this.#partial !== undefined) {
      at = Math.min(size - this.#filled, chunk.length)
      this.#partial.set(chunk.subarray(0, at), this.#filled)
      this.#filled += at
      if (this.#filled < size) return
      const block = this.#partial
      this.#partial = undefined
      this.#deliver(block)
    }
    while (!this.#paused && chunk.length - at >= size) {
      const block = chunk.length === size ? chunk : chunk.subarray(at, at + size)
      at += size
      this.#deliver(block)
    }
    if (at === chunk.length || this.#ending) return
    if (this.#paused) {
      this.#duplex.unshift(chunk.subarray(at))
      return
    }
    this.#partial = Buffer.allocUnsafeSlow(size)
    this.#partial.set(chunk.subarray(at))
    this.#filled = chunk.length - at
  }

  #deliver(block: Uint8Array): void {
    if (this.#ending) return
    try {
      this.#handler?.onBlock(block)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A handler threw: this connection cannot go on, the others can. */
  #fail(error: unknown): void {
    this.#error ??= error instanceof Error ? error : new Error("block handler failed")
    this.destroy()
  }

  #onEnd(): void {
    if (this.#ending) return
    this.#close(this.#partial === undefined ? "ended" : "cut")
    this.#finishOutput()
  }

  #onClosed(): void {
    clearTimeout(this.#linger)
    this.#close(this.#error !== undefined ? "failed" : this.#ending ? "closed" : "cut")
  }

  #close(reason: CloseReason): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    this.#partial = undefined
    try {
      this.#handler?.onClose?.(reason, this.#error)
    } catch (error) {
      this.#fail(error)
    }
  }

  #finishOutput(): void {
    this.#linger = setTimeout(() => this.#duplex.destroy(), this.#lingerMs).unref()
    this.#duplex.end()
  }
}
