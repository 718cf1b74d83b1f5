import type { CryptoBackend } from "@sluice/crypto/backend"
import type { X25519Key } from "@sluice/crypto/keys"
import { type AuthPrivateKey, authorize } from "@sluice/smp-protocol/authorization"
import { authorizedBytes, encodeTransmission, type TransmissionParams } from "@sluice/smp-protocol/transmission"
import type { CorrId, EntityId } from "@sluice/smp-protocol/types"
import { encodeNtfCommand, type NtfCommand } from "./commands.ts"

/** A command to send. */
export interface OutgoingNtfCommand {
  /** 24 random bytes; the nonce of X25519 authorization. */
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly command: NtfCommand
  /** Authorizes it, if it has to be. */
  readonly key?: AuthPrivateKey | undefined
}

/** What a client signs with: `serverKey` is the one of the hello, absent below v2. */
export interface NtfSigner {
  readonly crypto: CryptoBackend
  readonly serverKey: X25519Key | undefined
}

/** A whole transmission without its length. Throws `EncodeError` for what has no encoding, and as `authorize` does. */
export function encodeNtfOutgoing(
  { crypto, serverKey }: NtfSigner,
  params: TransmissionParams,
  { corrId, entityId, command, key }: OutgoingNtfCommand,
): Uint8Array {
  const bytes = encodeNtfCommand(command)
  if (key === undefined) return encodeTransmission(params, { corrId, entityId, command: bytes })
  const signed = authorizedBytes(params.sessionId, corrId, entityId, bytes)
  const authorization = authorize(crypto, key, signed, corrId, serverKey)
  return encodeTransmission(params, { authorization, corrId, entityId, command: bytes })
}
