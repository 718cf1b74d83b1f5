import { NONCE_SIZE } from "@sluice/crypto/backend"
import { CryptoError } from "@sluice/crypto/errors"
import type { X25519Key } from "@sluice/crypto/keys"
import {
  type ClientEnvelope,
  type ClientMessage,
  CONFIRMATION_PADDED,
  MESSAGE_PADDED,
  openClientMessage,
  sealClientMessage,
} from "@sluice/smp-protocol/client-message"
import { peerError } from "../errors.ts"
import type { QueueInfo } from "../protocol/queue-info.ts"
import type { ReceiveQueueRecord, SendQueueRecord } from "../store/records.ts"
import type { Env } from "./draft.ts"

/** Whether the sender secures the queue by itself, so that no key has to travel in its confirmation (agent.md §6). */
export function isSecurable({ mode }: { readonly mode?: string | undefined }): boolean {
  return mode === "messaging"
}

/** The body of `SEND` for one queue (agent.md §3). */
export function sealForQueue(
  { crypto }: Env,
  queue: SendQueueRecord,
  body: Uint8Array,
  confirmation: boolean,
): Uint8Array {
  const secret = crypto.diffieHellman(queue.e2eKeys.privateKey, queue.recipientKey)
  const envelope = {
    version: queue.clientVersion,
    key: confirmation ? queue.e2eKeys.publicKey : undefined,
    nonce: crypto.randomBytes(NONCE_SIZE),
  }
  const senderKey = confirmation && !isSecurable(queue) ? queue.senderKeys.publicKey : undefined
  const padded = confirmation ? CONFIRMATION_PADDED : MESSAGE_PADDED
  return sealClientMessage(crypto, crypto.boxKey(secret), envelope, { body, senderKey }, padded)
}

/** The body of `SEND` for a contact address, with a key that is used for nothing else. */
export function sealRequest({ crypto }: Env, address: QueueInfo, body: Uint8Array): Uint8Array {
  const keys = crypto.generateKeyPair("x25519")
  const secret = crypto.diffieHellman(keys.privateKey, address.dhKey)
  const nonce = crypto.randomBytes(NONCE_SIZE)
  const envelope = { version: address.clientVersion, key: keys.publicKey, nonce }
  return sealClientMessage(crypto, crypto.boxKey(secret), envelope, { body }, CONFIRMATION_PADDED)
}

/** The secret of a queue with a sender. Throws `AgentError` A_CRYPTO for a key that gives none. */
export function queueSecret({ crypto }: Env, queue: Pick<ReceiveQueueRecord, "e2eKeys">, key: X25519Key): Uint8Array {
  try {
    return crypto.diffieHellman(queue.e2eKeys.privateKey, key)
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    throw peerError({ type: "A_CRYPTO", error: { type: "DECRYPT_CB" } })
  }
}

/** Opens a received body. Throws `AgentError` A_CRYPTO where it does not open. */
export function openFromQueue({ crypto }: Env, secret: Uint8Array, envelope: ClientEnvelope): ClientMessage {
  const message = openClientMessage(crypto, crypto.boxKey(secret), envelope)
  if (message === undefined) throw peerError({ type: "A_CRYPTO", error: { type: "DECRYPT_CB" } })
  return message
}
