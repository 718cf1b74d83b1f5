/** What can go wrong in the ratchet; the agent's error for each is in crypto.md §11. */
export type RatchetProblem =
  /** Nothing was received yet, so there is nothing to encrypt with. */
  | { readonly code: "NO_SENDING_CHAIN" }
  /** The message is longer than the padded length allows (`CMD LARGE`). */
  | { readonly code: "LARGE_MESSAGE" }
  /** Message or header is malformed (`A_MESSAGE`). */
  | { readonly code: "HEADER_SYNTAX" }
  /** No key opens the header, or its message was decrypted before (`RATCHET_HEADER`). */
  | { readonly code: "HEADER" }
  /** The last message of the chain, once more (`A_DUPLICATE`). */
  | { readonly code: "DUPLICATE" }
  /** A message before the last one whose key is gone (`RATCHET_EARLIER count`). */
  | { readonly code: "EARLIER"; readonly count: number }
  /** More messages were lost than keys are kept for (`RATCHET_SKIPPED count`). */
  | { readonly code: "TOO_MANY_SKIPPED"; readonly count: number }
  /** The header is right but the body does not decrypt (`DECRYPT_AES`). */
  | { readonly code: "DECRYPT" }
  /** The body decrypts to something that is not a padded message. */
  | { readonly code: "PADDING" }
  /** A KEM ciphertext where no KEM key was offered, or the reverse. */
  | { readonly code: "KEM_STATE" }
  /** A public key of the peer gives no secret. */
  | { readonly code: "LOW_ORDER_KEY" }

const TEXT: Readonly<Record<RatchetProblem["code"], string>> = {
  NO_SENDING_CHAIN: "no sending chain: nothing was received yet",
  LARGE_MESSAGE: "message does not fit the padded length",
  HEADER_SYNTAX: "malformed message or header",
  HEADER: "no key opens the header",
  DUPLICATE: "message was received before",
  EARLIER: "message is from before the last one received",
  TOO_MANY_SKIPPED: "too many messages were skipped",
  DECRYPT: "message body does not decrypt",
  PADDING: "invalid padding",
  KEM_STATE: "unexpected state of the KEM",
  LOW_ORDER_KEY: "public key of low order",
}

/**
 * The one error of this package besides `DecodeError` (bytes and texts that are no parameters or no state). Encryption
 * and the set-up of a ratchet throw it; decryption returns it, since the new state must often be saved all the same.
 */
export class RatchetError extends Error {
  override readonly name = "RatchetError"
  readonly problem: RatchetProblem

  constructor(problem: RatchetProblem) {
    super(TEXT[problem.code])
    this.problem = problem
  }
}
