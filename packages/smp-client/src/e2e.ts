import type { BoxKey, CryptoBackend } from "@sluice/crypto/backend"
import { dhBoxKey } from "@sluice/crypto/box"
import { type AuthKey, equalPublicKeys, type KeyPair, type X25519Key } from "@sluice/crypto/keys"
import type { Version } from "@sluice/encoding/version"
import { attempt } from "@sluice/smp-protocol/attempt"
import {
  type ClientMessage,
  CONFIRMATION_PADDED,
  decodeClientEnvelope,
  MESSAGE_PADDED,
  openClientMessage,
  sealClientMessage,
} from "@sluice/smp-protocol/client-message"
import { CLIENT_LAYER_RANGE } from "@sluice/smp-protocol/versions"

/*
 * End-to-end encryption of one queue (encoding.md §3): the server that holds the queue sees neither content nor length of
 * its messages. One X25519 secret serves the whole queue, so there is no forward secrecy; the double ratchet of the agent
 * layer is what messengers put inside.
 */

const NONCE_SIZE = 24

/** The sending end. The recipient's public key comes with the queue's address, on a way that is trusted. */
export class E2eSender {
  readonly #crypto: CryptoBackend
  readonly #key: BoxKey
  readonly #version: Version
  /** Goes out in confirmations; keep both halves to go on after a restart. */
  readonly keys: KeyPair<"x25519">

  /** Throws `TypeError` if the recipient's key is of low order. */
  constructor(
    crypto: CryptoBackend,
    recipientKey: X25519Key,
    keys: KeyPair<"x25519"> = crypto.generateKeyPair("x25519"),
    version: Version = CLIENT_LAYER_RANGE.max,
  ) {
    const key = dhBoxKey(crypto, keys.privateKey, recipientKey)
    if (key === undefined) throw new TypeError("E2eSender: the recipient's key has low order")
    this.#crypto = crypto
    this.#key = key
    this.#version = version
    this.keys = keys
  }

  /**
   * The body of the first message: it tells the recipient our key, and the key to secure the queue with if the sender
   * cannot do that. At most 15901 bytes of `body` (15856 with an Ed25519 key); gives 15992. Throws `EncodeError`.
   */
  confirmation(body: Uint8Array, senderKey?: AuthKey): Uint8Array {
    return this.#seal({ body, senderKey }, CONFIRMATION_PADDED, this.keys.publicKey)
  }

  /** The body of each later message: at most 15997 bytes of `body`, gives 16043. Throws `EncodeError`. */
  message(body: Uint8Array): Uint8Array {
    return this.#seal({ body }, MESSAGE_PADDED)
  }

  #seal(message: ClientMessage, paddedLength: number, key?: X25519Key): Uint8Array {
    const nonce = this.#crypto.randomBytes(NONCE_SIZE)
    return sealClientMessage(this.#crypto, this.#key, { version: this.#version, key, nonce }, message, paddedLength)
  }
}

/** The receiving end. */
export class E2eRecipient {
  readonly #crypto: CryptoBackend
  readonly keys: KeyPair<"x25519">
  #sender: { readonly publicKey: X25519Key; readonly key: BoxKey } | undefined

  /** `senderKey` is what {@link senderKey} gave before a restart. */
  constructor(
    crypto: CryptoBackend,
    keys: KeyPair<"x25519"> = crypto.generateKeyPair("x25519"),
    senderKey?: X25519Key,
  ) {
    this.#crypto = crypto
    this.keys = keys
    if (senderKey !== undefined) this.#sender = this.#agree(senderKey)
  }

  /** What senders need. */
  get publicKey(): X25519Key {
    return this.keys.publicKey
  }

  /** The key of the sender, once its confirmation was opened. */
  get senderKey(): X25519Key | undefined {
    return this.#sender?.publicKey
  }

  /**
   * Opens a body; the first must be a confirmation, which decides who the sender is. `undefined` for everything that does
   * not decrypt, is malformed, or comes from another sender.
   */
  open(body: Uint8Array): ClientMessage | undefined {
    const envelope = attempt(() => decodeClientEnvelope(body))
    if (envelope === undefined || !isKnown(envelope.version)) return undefined
    const known = this.#sender
    const { key: offered } = envelope
    if (known !== undefined && offered !== undefined && !equalPublicKeys(offered, known.publicKey)) return undefined
    const sender = known ?? (offered && this.#agree(offered))
    const message = sender && openClientMessage(this.#crypto, sender.key, envelope)
    if (message !== undefined) this.#sender = sender
    return message
  }

  #agree(senderKey: X25519Key): { readonly publicKey: X25519Key; readonly key: BoxKey } | undefined {
    const key = dhBoxKey(this.#crypto, this.keys.privateKey, senderKey)
    // A copy: it is kept, and should not keep the block alive that it came in.
    return key && { publicKey: { ...senderKey, raw: senderKey.raw.slice() }, key }
  }
}

function isKnown(version: Version): boolean {
  return version >= CLIENT_LAYER_RANGE.min && version <= CLIENT_LAYER_RANGE.max
}
