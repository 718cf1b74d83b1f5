import { EMPTY } from "@sluice/encoding/bytes"
import { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import { attempt } from "@sluice/smp-protocol/attempt"
import { authorizationKind } from "@sluice/smp-protocol/authorization-kind"
import { batchContent, packBatches } from "@sluice/smp-protocol/batch"
import { splitBlock } from "@sluice/smp-protocol/block"
import { CommandError, type SmpError } from "@sluice/smp-protocol/errors"
import {
  authorizedBytes,
  encodeTransmission,
  type RawTransmission,
  readTransmission,
  sessionMatches,
  type TransmissionParams,
} from "@sluice/smp-protocol/transmission"
import type { CorrId, EntityId, SessionId } from "@sluice/smp-protocol/types"
import { checkNtfCredentials, decodeNtfCommand, type NtfCommand } from "./commands.ts"
import { checkNtfEntity, decodeNtfResponse, encodeNtfResponse, type NtfResponse } from "./responses.ts"
import { isBatched, NTF_BLOCK_SIZE } from "./versions.ts"

/** Longest transmission that a sender may make at v2 and later. */
export const MAX_NTF_TRANSMISSION = 491

/** Layout of the transmissions of an NTF session: never a service signature; below v2 the session id is sent. */
export function ntfParams(version: Version, sessionId: SessionId): TransmissionParams {
  return { version, sessionId, implySessionId: isBatched(version), serviceSignatures: false }
}

/** A good command, with everything that is needed to check and execute it. Bytes are views on the block. */
export interface ReceivedNtfCommand {
  readonly ok: true
  /** 0, 64, 80 or 114 bytes. */
  readonly authorization: Uint8Array
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly command: NtfCommand
  /** What the authorization covers. */
  readonly signed: Uint8Array
}

/** A good response. */
export interface ReceivedNtfResponse {
  readonly ok: true
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly response: NtfResponse
}

/** A transmission that cannot be used: the server's answer to it, for a client an error event. */
export interface RejectedNtf {
  readonly ok: false
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly error: SmpError
}

const BLOCK_ERROR: SmpError = { type: "BLOCK" }
const SESSION_ERROR: SmpError = { type: "SESSION" }
const BAD_BLOCK: RejectedNtf = { ok: false, corrId: EMPTY, entityId: EMPTY, error: BLOCK_ERROR }

/**
 * What a server makes of the un-padded content of a block: one result per transmission, in order, or a single `BLOCK`
 * error if the block as such is bad (notifications.md §2.3). Never throws.
 */
export function decodeNtfBlock(content: Uint8Array, params: TransmissionParams): (ReceivedNtfCommand | RejectedNtf)[] {
  return decodeEach(content, params, (raw) => {
    const { authorization, corrId, entityId } = raw
    if (authorizationKind(authorization) === undefined) return rejected(corrId, EMPTY, BLOCK_ERROR)
    const command = decodeNtfCommand(raw.command)
    const error = checkNtfCredentials(command.tag, authorization.length > 0, entityId.length > 0)
    if (error !== undefined) return rejected(corrId, entityId, error)
    const signed = authorizedBytes(params.sessionId, corrId, entityId, raw.command)
    return { ok: true, authorization, corrId, entityId, command, signed }
  })
}

/** What a client makes of the content of a block. Never throws. */
export function decodeNtfResponses(
  content: Uint8Array,
  params: TransmissionParams,
): (ReceivedNtfResponse | RejectedNtf)[] {
  return decodeEach(content, params, ({ corrId, entityId, command }) => {
    const response = decodeNtfResponse(command)
    const error = checkNtfEntity(response.tag, entityId.length > 0)
    return error === undefined ? { ok: true, corrId, entityId, response } : rejected(corrId, entityId, error)
  })
}

/** A transmission of a server, without its length. */
export function encodeNtfReply(
  params: TransmissionParams,
  corrId: CorrId,
  entityId: EntityId,
  response: NtfResponse,
): Uint8Array {
  return encodeTransmission(params, { corrId, entityId, command: encodeNtfResponse(response, params.version) })
}

/**
 * Contents of the blocks with these transmissions: as many in each as fit, below v2 one. Throws `RangeError` for one that
 * does not fit.
 */
export function ntfContents(transmissions: readonly Uint8Array[], params: TransmissionParams): Uint8Array[] {
  if (!isBatched(params.version)) return [...transmissions]
  return packBatches(transmissions, NTF_BLOCK_SIZE).map((packed) => {
    if (!packed.fits) throw new RangeError("a transmission is too large for any block")
    return batchContent(packed)
  })
}

function decodeEach<T>(
  content: Uint8Array,
  params: TransmissionParams,
  interpret: (raw: RawTransmission) => T | RejectedNtf,
): (T | RejectedNtf)[] {
  const bodies = isBatched(params.version) ? splitBlock(content) : [content]
  return bodies === undefined ? [BAD_BLOCK] : bodies.map((body) => decodeOne(body, params, interpret))
}

function decodeOne<T>(
  body: Uint8Array,
  params: TransmissionParams,
  interpret: (raw: RawTransmission) => T | RejectedNtf,
): T | RejectedNtf {
  const raw = attempt(() => readTransmission(new Reader(body), params))
  if (raw === undefined) return BAD_BLOCK
  if (!sessionMatches(raw, params)) return rejected(raw.corrId, EMPTY, SESSION_ERROR)
  try {
    return interpret(raw)
  } catch (error) {
    if (error instanceof CommandError) return rejected(raw.corrId, raw.entityId, error.error)
    throw error
  }
}

function rejected(corrId: CorrId, entityId: EntityId, error: SmpError): RejectedNtf {
  return { ok: false, corrId, entityId, error }
}
