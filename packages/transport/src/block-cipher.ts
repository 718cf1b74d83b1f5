import { BOX_KEY_SIZE, type BoxKey, type CryptoBackend, TAG_SIZE } from "@sluice/crypto/backend"
import { initChains, nextBlockKey, StepMemory } from "@sluice/crypto/chain"
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

// One step at a time is taken in this process, and five for every message: its keys are in the same place each time.
const STEP = new StepMemory()
const KEY = new Uint8Array(BOX_KEY_SIZE)

/**
 * Block encryption inside TLS, from v11 (transport.md §4): each block has its own key and nonce, the next step of a chain
 * for its direction.
 */
export class BlockCipher implements BlockCodec {
  readonly blockSize: number = BLOCK_SIZE
  readonly maxContent: number = BLOCK_SIZE - TAG_SIZE - PAD_PREFIX
  readonly #crypto: CryptoBackend
  readonly #send: Uint8Array
  readonly #receive: Uint8Array

  constructor(c: CryptoBackend, chains: BlockChains) {
    this.#crypto = c
    this.#send = new Uint8Array(chains.send)
    this.#receive = new Uint8Array(chains.receive)
  }

  /** Copies of the present chain keys, for comparison with known values in tests. They decrypt everything that follows. */
  get chains(): BlockChains {
    return { send: new Uint8Array(this.#send), receive: new Uint8Array(this.#receive) }
  }

  encode(parts: readonly Uint8Array[]): Uint8Array {
    return this.#seal(paddedBlock(this.blockSize, TAG_SIZE, parts))
  }

  encodeWith(write: (content: Uint8Array) => number): Uint8Array {
    return this.#seal(paddedBlockWith(this.blockSize, TAG_SIZE, write))
  }

  decode(block: Uint8Array): Uint8Array | undefined {
    if (block.length !== this.blockSize) throw new RangeError("BlockCipher: wrong block size")
    const key = this.#step(this.#receive)
    const padded = this.#crypto.open(key, STEP.nonce, block, block.subarray(TAG_SIZE))
    wipe()
    return padded === undefined ? undefined : unpadded(padded)
  }

  /** Takes the step only now, when the content is known to fit: a step without its block would break the session. */
  #seal(block: Uint8Array): Uint8Array {
    const key = this.#step(this.#send)
    this.#crypto.seal(key, STEP.nonce, block.subarray(TAG_SIZE), block)
    wipe()
    return block
  }

  /** Moves the chain on; gives the key of this block, whose nonce is in {@link STEP}. */
  #step(chain: Uint8Array): BoxKey {
    nextBlockKey(this.#crypto, chain, STEP)
    chain.set(STEP.chain)
    return this.#crypto.boxKey(STEP.key, KEY)
  }
}

/** Keys of blocks, and the chain key that would give all later ones, do not stay behind. */
function wipe(): void {
  STEP.bytes.fill(0)
  KEY.fill(0)
}
