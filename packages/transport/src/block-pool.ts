/**
 * Blocks that were sent and can be filled again. A server makes three for every message that it delivers; without reuse
 * they are two thirds of what its garbage collector has to look after (`bench/relay`).
 */
export class BlockPool {
  readonly #size: number
  readonly #limit: number
  readonly #blocks: Uint8Array[] = []

  /** Keeps at most `limit` blocks of `size` bytes. */
  constructor(size: number, limit: number) {
    this.#size = size
    this.#limit = limit
  }

  /** Blocks that are kept at the moment. */
  get kept(): number {
    return this.#blocks.length
  }

  /** A block whose content is unspecified; the caller overwrites every byte of it. */
  take(): Uint8Array {
    // Not from Node's shared pool, as TLS may hold it while it waits for the socket.
    return this.#blocks.pop() ?? Buffer.allocUnsafeSlow(this.#size)
  }

  /** Takes a block back that nobody reads or writes any more. One of another size is left to the garbage collector. */
  give(block: Uint8Array): void {
    if (block.length === this.#size && this.#blocks.length < this.#limit) this.#blocks.push(block)
  }
}
