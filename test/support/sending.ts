import { nativeCrypto } from "@sluice/crypto/native"
import { concatBytes, EMPTY } from "@sluice/encoding/bytes"
import { type AuthPrivateKey, authorize } from "@sluice/smp-protocol/authorization"
import { type Command, type CommandTag, encodeCommand, specOf } from "@sluice/smp-protocol/commands"
import { authorizedBytes, encodeTransmission } from "@sluice/smp-protocol/transmission"
import type { CorrId, EntityId } from "@sluice/smp-protocol/types"
import type { ClientSession } from "@sluice/transport/session"

/** In whose name a command is sent. */
export interface Who {
  /** Default none. */
  readonly entity?: EntityId
  /** Default none: no authorization. */
  readonly key?: AuthPrivateKey | undefined
  /** Instead of an authorization by `key`: these bytes. */
  readonly authorization?: Uint8Array
  /**
   * Whether a service signature is added: by the session's service, or in other connections by a service that nobody
   * knows. Default what the command needs in this connection.
   */
  readonly serviceSigned?: boolean
  /** Default 24 random bytes. */
  readonly corrId?: CorrId
}

/** One transmission to send. A command in bytes is sent as it is. */
export interface Sending extends Who {
  readonly command: Command | Uint8Array
}

/** Whose connection it is. */
export interface Identity {
  readonly session: ClientSession
  /** SHA-256 of the identity certificate of the connection's service. */
  readonly fingerprint?: Uint8Array | undefined
}

/**
 * A transmission without its length, put together from its parts as smp.md §3.1 says, with every liberty that a test
 * needs: the library's own `encodeOutgoing` makes only transmissions that are right.
 */
export function encodeSending({ session, fingerprint }: Identity, sending: Sending): Uint8Array {
  const { command: given, entity: entityId = EMPTY, corrId = EMPTY } = sending
  const command = given instanceof Uint8Array ? given : encodeCommand(given, session.version)
  const spec = given instanceof Uint8Array ? undefined : specOf(given.tag)
  const plain = authorizedBytes(session.sessionId, corrId, entityId, command)
  const coSigned = fingerprint !== undefined && spec?.serviceSigned === true
  const key = ofService(given) ? (sending.key ?? session.service?.sessionKey.privateKey) : sending.key
  const authorization =
    sending.authorization ??
    (key && authorize(nativeCrypto, key, coSigned ? concatBytes(fingerprint, plain) : plain, corrId, session.serverKey))
  const signed = sending.serviceSigned ?? coSigned
  const signer = session.service?.sessionKey.privateKey ?? STRANGER
  return encodeTransmission(session, {
    authorization,
    ...(signed && { serviceSignature: nativeCrypto.sign(signer, plain) }),
    corrId,
    entityId,
    command,
  })
}

const STRANGER = nativeCrypto.generateKeyPair("ed25519").privateKey

const SERVICE_COMMANDS: ReadonlySet<CommandTag> = new Set<CommandTag>(["SUBS", "NSUBS"])

function ofService(command: Command | Uint8Array): boolean {
  return !(command instanceof Uint8Array) && SERVICE_COMMANDS.has(command.tag)
}
