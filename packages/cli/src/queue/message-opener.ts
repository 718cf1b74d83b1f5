import type { CryptoBackend } from "@sluice/crypto/backend"
import type { X25519Key } from "@sluice/crypto/keys"
import { E2eRecipient } from "@sluice/smp-client/e2e"
import type { ClientMessage } from "@sluice/smp-protocol/client-message"
import type { RecipientState } from "./recipient-state.ts"

/**
 * Opens the messages of one queue. The first sender that introduces itself is remembered, as its later messages do not
 * say again who they are from. A message that introduces another sender is opened, too: who may send at all is for the
 * relay to say, which knows the key that the queue is secured with.
 */
export class MessageOpener {
  readonly #crypto: CryptoBackend
  readonly #state: RecipientState
  readonly #known: E2eRecipient

  constructor(crypto: CryptoBackend, state: RecipientState) {
    this.#crypto = crypto
    this.#state = state
    this.#known = new E2eRecipient(crypto, state.e2eKeys, state.senderKey)
  }

  /** The remembered sender, to be kept in the state. */
  get senderKey(): X25519Key | undefined {
    return this.#known.senderKey
  }

  /** What a sender said; `undefined` for what was not encrypted for this queue. */
  open(body: Uint8Array): ClientMessage | undefined {
    // In a contact queue every message introduces its sender.
    const known = this.#state.address.mode === "contact" ? undefined : this.#known.open(body)
    return known ?? new E2eRecipient(this.#crypto, this.#state.e2eKeys).open(body)
  }
}
