import type { KeyPair, PrivateKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { type Verifier, verifyAuthorization } from "@sluice/smp-protocol/authorization"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeBlock } from "@sluice/smp-protocol/block"
import { SessionBoxKeys } from "@sluice/smp-protocol/box-key-cache"
import type { SmpError } from "@sluice/smp-protocol/errors"
import { encodeOutgoing } from "@sluice/smp-protocol/outgoing"
import { encodeResponse, type TransmissionParams } from "@sluice/smp-protocol/transmission"
import { ID_LENGTH } from "@sluice/smp-protocol/types"

/** What a client puts into a block to send a message to a secured queue. */
export function sendingBlock(params: TransmissionParams, senderId: Uint8Array, key: PrivateKey<"ed25519">): Uint8Array {
  const signer = { crypto: nativeCrypto, serverKey: undefined }
  const body = new TextEncoder().encode("hello")
  const command = { tag: "SEND", flags: { notification: true }, body } as const
  const corrId = nativeCrypto.randomBytes(ID_LENGTH)
  return singleContent(encodeOutgoing(signer, params, { corrId, entityId: senderId, command, key }))
}

/** What a server answers to each transmission of a block, given the one queue that it has. */
export function answers(
  params: TransmissionParams,
  sessionKey: KeyPair<"x25519">,
  queueKey: KeyPair<"ed25519">["publicKey"],
  content: Uint8Array,
): Uint8Array[] {
  const boxKeys = new SessionBoxKeys(1000)
  const verifier: Verifier = { crypto: nativeCrypto, sessionKey: sessionKey.privateKey, boxKeys }
  return decodeBlock(content, params, { mayOverwrite: true }).map((received) => {
    const { corrId, entityId } = received
    const fail = (error: SmpError): Uint8Array => encodeResponse(params, corrId, entityId, { tag: "ERR", error })
    if (!received.ok) return fail(received.error)
    const { authorization, signed } = received
    const authorized = verifyAuthorization(verifier, [queueKey], authorization, signed.bytes(), corrId)
    return authorized ? encodeResponse(params, corrId, entityId, { tag: "OK" }) : fail({ type: "AUTH" })
  })
}
