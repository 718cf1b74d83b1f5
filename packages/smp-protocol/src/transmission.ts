import { EMPTY, equalBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import { encodeWith, Writer } from "@sluice/encoding/writer"
import { type BrokerMessage, writeBrokerMessage } from "./messages.ts"
import type { CorrId, EntityId, SessionId } from "./types.ts"
import { VERSION } from "./versions.ts"

/** Bytes of the Ed25519 signature that a service adds to a transmission. */
export const SERVICE_SIGNATURE_LENGTH = 64

/** What of a session decides the layout of its transmissions; the parameters of a session after its handshake fit. */
export interface TransmissionParams {
  readonly version: Version
  readonly sessionId: SessionId
  /** The session id is signed but not sent: v7 and later. */
  readonly implySessionId: boolean
  /** A non-empty authorization is followed by a service signature, present or not: v16 and later. */
  readonly serviceSignatures: boolean
}

/** Parameters of a connection of this version. */
export function transmissionParams(version: Version, sessionId: SessionId): TransmissionParams {
  const implySessionId = version >= VERSION.AUTHENTICATED_COMMANDS
  return { version, sessionId, implySessionId, serviceSignatures: version >= VERSION.SERVICE_CERTIFICATES }
}

/**
 * Parameters inside a proxied request: `sessionId` is that of the connection between proxy and relay, `version` the one
 * that `PFWD` names, and the session id is implied whatever the version (proxy.md §3).
 */
export function forwardedParams(version: Version, sessionId: SessionId): TransmissionParams {
  return { ...transmissionParams(version, sessionId), implySessionId: true }
}

/** A transmission taken apart, its command still in bytes. All bytes are views (transport.md §5.1). */
export interface RawTransmission {
  /** Any length here; 0, 64, 80 or 114 in a good one. */
  readonly authorization: Uint8Array
  /** 64 bytes. */
  readonly serviceSignature: Uint8Array | undefined
  /** As sent; `undefined` if it is implied. */
  readonly sessionId: SessionId | undefined
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly command: Uint8Array
  /** What was sent after authorization and service signature. */
  readonly sent: Uint8Array
}

/** Reads the fields of a transmission that takes the rest of the input. Throws `DecodeError`. */
export function readTransmission(r: Reader, params: TransmissionParams): RawTransmission {
  const authorization = r.short("authorization")
  const signed = params.serviceSignatures && authorization.length > 0
  const serviceSignature = signed ? r.maybe(readServiceSignature, "service signature") : undefined
  const start = r.offset
  const sessionId = params.implySessionId ? undefined : r.short("session id")
  const corrId = r.short("correlation id")
  const entityId = r.short("entity id")
  const header = r.offset - start
  const command = r.tail()
  const sent = new Uint8Array(command.buffer, command.byteOffset - header, header + command.length)
  return { authorization, serviceSignature, sessionId, corrId, entityId, command, sent }
}

function readServiceSignature(r: Reader): Uint8Array {
  // A signature of another length makes the whole transmission unreadable, so its length is part of the layout.
  if (r.u8("service signature") !== SERVICE_SIGNATURE_LENGTH) throw new DecodeError("service signature: not 64 bytes")
  return r.take(SERVICE_SIGNATURE_LENGTH, "service signature")
}

/** Whether a transmission that carries a session id (v6) carries the one of the connection. */
export function sessionMatches(raw: RawTransmission, params: TransmissionParams): boolean {
  return raw.sessionId === undefined || equalBytes(raw.sessionId, params.sessionId)
}

/** Short session id: what stands before the sent bytes in what is signed, if it is not sent itself. */
export function signedPrefix(params: TransmissionParams): Uint8Array {
  return params.implySessionId ? encodeWith((w) => w.short(params.sessionId), 1 + params.sessionId.length) : EMPTY
}

/** The bytes that an authorization covers, newly made; what `SignedBytes` gives for a received transmission. */
export function authorizedBytes(
  sessionId: SessionId,
  corrId: CorrId,
  entityId: EntityId,
  command: Uint8Array,
): Uint8Array {
  return encodeWith((w) => w.short(sessionId).short(corrId).short(entityId).raw(command), 128 + command.length)
}

/** The parts of a transmission to encode. */
export interface TransmissionParts {
  /** Default none. */
  readonly authorization?: Uint8Array | undefined
  /** 64 bytes; only together with an authorization, and from v16. */
  readonly serviceSignature?: Uint8Array | undefined
  readonly corrId: CorrId
  readonly entityId: EntityId
  /** A command, or a message of a server. */
  readonly command: Uint8Array
}

/** A transmission without its length. Throws `EncodeError` for ids over 255 bytes. */
export function encodeTransmission(params: TransmissionParams, parts: TransmissionParts): Uint8Array {
  const w = new Writer(parts.command.length + 512)
  writeAuthorization(w, params, parts.authorization ?? EMPTY, parts.serviceSignature)
  writeIds(w, params, parts.corrId, parts.entityId)
  return w.raw(parts.command).finish()
}

/** Authorization and, where the version has it, the field of the service signature. */
export function writeAuthorization(
  w: Writer,
  params: TransmissionParams,
  authorization: Uint8Array,
  serviceSignature: Uint8Array | undefined,
): void {
  w.short(authorization)
  if (params.serviceSignatures && authorization.length > 0) {
    w.maybe(serviceSignature, (field, signature) => field.short(signature))
  }
}

/** Session id where it is sent, correlation id, entity id. */
export function writeIds(w: Writer, params: TransmissionParams, corrId: CorrId, entityId: EntityId): void {
  if (!params.implySessionId) w.short(params.sessionId)
  w.short(corrId).short(entityId)
}

/** A transmission of a server: empty authorization, ids, message in the form that the version of `params` knows. */
export function encodeResponse(
  params: TransmissionParams,
  corrId: CorrId,
  entityId: EntityId,
  message: BrokerMessage,
): Uint8Array {
  const w = new Writer()
  w.short(EMPTY)
  writeIds(w, params, corrId, entityId)
  writeBrokerMessage(w, message, params.version)
  return w.finish()
}
