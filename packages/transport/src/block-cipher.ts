import { type CryptoBackend, TAG_SIZE } from "@sluice/crypto/backend"
import { initChains, nextBlockKey } from "@sluice/crypto/chain"
import { PAD_PREFIX } from "@sluice/encoding/padding"
import { type BlockCodec, paddedBlock, paddedBlockWith, unpadded } from "./block-codec.ts"
import { BLOCK_SIZE } from "./block-stream.ts"

/** Which end of the connection this is. */
export type Side = "server" | "client"

/** Chain keys of one side, 32 bytes each. */
export interface BlockChains {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

/** First chain keys of a session from its id and its X25519 secret of 32 bytes (transport.md §4). */
export function blockChains(c: CryptoBackend, side: Side, sessionId: Uint8Array, secret: Uint8Array): BlockChains {
  const { a, b } = initChains(c, sessionId, secret)
  return side === "server" ? { send: a, receive: b } : { send: b, receive: a }
}

/**
 * Block encryption inside TLS, from v11 (transport.md §4): each block has its own key and nonce, the next step of a chain
 * for its direction.
 */
export class BlockCipher implements BlockCodec {
  readonly blockSize: number = BLOCK_SIZE
  readonly maxContent: number = BLOCK_SIZE - TAG_SIZE - PAD_PREFIX
  readonly #crypto: CryptoBackend
  #send: Uint8Array
  #receive: Uint8Array

  constructor(c: CryptoBackend, chains: BlockChains) {
    this.#crypto = c
    this.#send = chains.send
    this.#receive = chains.receive
  }

  /** Present chain keys, for comparison with known values in tests. They decrypt everything that follows. */
  get chains(): BlockChains {
    return { send: this.#send, receive: this.#receive }
  }

  encode(parts: readonly Uint8Array[]): Uint8Array {
    return this.#seal(paddedBlock(this.blockSize, TAG_SIZE, parts))
  }

  encodeWith(write: (content: Uint8Array) => number): Uint8Array {
    return this.#seal(paddedBlockWith(this.blockSize, TAG_SIZE, write))
  }

  decode(block: Uint8Array): Uint8Array | undefined {
    if (block.length !== this.blockSize) throw new RangeError("BlockCipher: wrong block size")
    const step = nextBlockKey(this.#crypto, this.#receive)
    this.#receive = step.chain
    const key = this.#crypto.boxKey(step.key)
    const padded = this.#crypto.open(key, step.nonce, block, block.subarray(TAG_SIZE))
    return padded === undefined ? undefined : unpadded(padded)
  }

  /** Takes the step only now, when the content is known to fit: a step without its block would break the session. */
  #seal(block: Uint8Array): Uint8Array {
    const step = nextBlockKey(this.#crypto, this.#send)
    this.#send = step.chain
    return this.#crypto.seal(this.#crypto.boxKey(step.key), step.nonce, block.subarray(TAG_SIZE), block)
  }
}
