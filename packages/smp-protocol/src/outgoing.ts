import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair, X25519Key } from "@sluice/crypto/keys"
import { encodeWith, Writer } from "@sluice/encoding/writer"
import { type AuthPrivateKey, authorize } from "./authorization.ts"
import { type Command, type CommandTag, encodeCommand, specOf } from "./commands.ts"
import { SignedBytes } from "./signed-bytes.ts"
import {
  encodeTransmission,
  signedPrefix,
  type TransmissionParams,
  writeAuthorization,
  writeIds,
} from "./transmission.ts"
import type { CorrId, EntityId } from "./types.ts"

/** The service of a client's connection, after the server accepted it. */
export interface SigningService {
  /** SHA-256 of the identity certificate of the service, 32 bytes. */
  readonly fingerprint: Uint8Array
  /** Key pair of this connection. */
  readonly sessionKey: KeyPair<"ed25519">
}

/** What a client signs with, one per connection. */
export interface Signer {
  readonly crypto: CryptoBackend
  /** The server's session key; without it X25519 keys cannot authorize. */
  readonly serverKey: X25519Key | undefined
  readonly service?: SigningService | undefined
}

/** A command to send. */
export interface OutgoingCommand {
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly command: Command
  /**
   * The key that authorizes the command, if any. `SUBS` and `NSUBS` are authorized by the session key of the service
   * whatever is given here.
   */
  readonly key?: AuthPrivateKey | undefined
}

/** The same with a command that is already in bytes; the tag decides about the service signature. */
export interface OutgoingBytes extends Omit<OutgoingCommand, "command"> {
  readonly tag: CommandTag
  readonly command: Uint8Array
}

/**
 * A whole transmission with its authorization and, in a service connection, the service signature (smp.md §3.1). It has
 * no length prefix yet. Throws `EncodeError` for what has no encoding, and as `authorize` does.
 */
export function encodeOutgoing(signer: Signer, params: TransmissionParams, outgoing: OutgoingCommand): Uint8Array {
  const { corrId, entityId, command, key } = outgoing
  const bytes = encodeCommand(command, params.version)
  return encodeOutgoingBytes(signer, params, { corrId, entityId, tag: command.tag, command: bytes, key })
}

/** Like {@link encodeOutgoing} for a command in bytes. */
export function encodeOutgoingBytes(signer: Signer, params: TransmissionParams, outgoing: OutgoingBytes): Uint8Array {
  const { corrId, entityId, tag, command } = outgoing
  const { crypto: c, service, serverKey } = signer
  const { party, serviceSigned } = specOf(tag)
  const ofService = party === "recipient-service" || party === "notifier-service"
  const key: AuthPrivateKey | undefined = ofService ? service?.sessionKey.privateKey : outgoing.key
  if (key === undefined) return encodeTransmission(params, { corrId, entityId, command })

  // The buffer of the result has room in front: first for the rest of what is signed, then for the signatures.
  const w = new Writer(HEADROOM + command.length + 64).raw(NO_HEADER)
  writeIds(w, params, corrId, entityId)
  const whole = w.raw(command).finish()
  const signed = new SignedBytes(signedPrefix(params), whole.subarray(HEADROOM), HEADROOM)

  const coSigned = service !== undefined && serviceSigned && params.serviceSignatures
  const message = coSigned ? signed.withFingerprint(service.fingerprint) : signed.bytes()
  const authorization = authorize(c, key, message, corrId, serverKey)
  const serviceSignature = coSigned ? c.sign(service.sessionKey.privateKey, signed.bytes()) : undefined

  const header = encodeWith((h) => writeAuthorization(h, params, authorization, serviceSignature))
  const start = HEADROOM - header.length
  whole.set(header, start)
  return whole.subarray(start)
}

/** Fingerprint and short session id; authorization and service signature take at most 181 bytes. */
const HEADROOM = 32 + 256
const NO_HEADER = new Uint8Array(HEADROOM)
