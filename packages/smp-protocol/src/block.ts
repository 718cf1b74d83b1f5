import { EMPTY } from "@sluice/encoding/bytes"
import { decodeWhole, Reader } from "@sluice/encoding/reader"
import { smallCopy } from "@sluice/encoding/small-bytes"
import { attempt } from "./attempt.ts"
import { authorizationKind } from "./authorization-kind.ts"
import type { Extensions } from "./commands/extensions.ts"
import { type Command, checkCredentials, decodeCommand } from "./commands.ts"
import { CommandError, type SmpError } from "./errors.ts"
import { type BrokerMessage, checkMessageEntity, decodeBrokerMessage } from "./messages.ts"
import { SignedBytes } from "./signed-bytes.ts"
import {
  type RawTransmission,
  readTransmission,
  sessionMatches,
  signedPrefix,
  type TransmissionParams,
} from "./transmission.ts"
import type { CorrId, EntityId } from "./types.ts"

/** A good command, with everything that is needed to check and execute it. Bytes are views on the block. */
export interface ReceivedCommand {
  readonly ok: true
  /** 0, 64, 80 or 114 bytes. */
  readonly authorization: Uint8Array
  /** 64 bytes. */
  readonly serviceSignature: Uint8Array | undefined
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly command: Command
  /** What the authorization covers. */
  readonly signed: SignedBytes
}

/** A good message of a server. */
export interface ReceivedMessage {
  readonly ok: true
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly message: BrokerMessage
}

/** A transmission that cannot be used: the server's answer to it, for a client an error event. */
export interface Rejected {
  readonly ok: false
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly error: SmpError
}

export type ParsedTransmission = ReceivedCommand | Rejected
export type ParsedResponse = ReceivedMessage | Rejected

const BLOCK_ERROR: SmpError = { type: "BLOCK" }
const SESSION_ERROR: SmpError = { type: "SESSION" }
const BAD_BLOCK: Rejected = { ok: false, corrId: EMPTY, entityId: EMPTY, error: BLOCK_ERROR }

/** How a server reads a block. */
export interface DecodeOptions {
  /**
   * Who owns the bytes of `content`. `true`: the caller needs nothing of them but the results, so what is signed may be
   * put together in place, over authorizations that were copied out (see `SignedBytes`). Default `false`: `content`
   * stays as it is, and the signed bytes are copied when asked for.
   */
  readonly mayOverwrite?: boolean
  /** Commands beside the protocol's own; default none. */
  readonly extensions?: Extensions | undefined
}

/**
 * What a server makes of the un-padded content of a block: one result per transmission, in order, or a single `BLOCK`
 * error if the block as such is bad. Never throws. The checks and their order are those of transport.md §5.4:
 * fields, session id (v6), length of the authorization, tag, parameters, presence of credentials.
 */
export function decodeBlock(
  content: Uint8Array,
  params: TransmissionParams,
  options: DecodeOptions = {},
): ParsedTransmission[] {
  const prefix = signedPrefix(params)
  const mayOverwrite = options.mayOverwrite === true
  return decodeEach(content, params, (raw, headroom) => {
    const { corrId, entityId } = raw
    if (authorizationKind(raw.authorization) === undefined) return rejected(corrId, EMPTY, BLOCK_ERROR)
    const command = decodeCommand(raw.command, params.version, options.extensions)
    const error = checkCredentials(command.tag, raw.authorization.length > 0, entityId.length > 0)
    if (error !== undefined) return rejected(corrId, entityId, error)
    const reuse = mayOverwrite && raw.authorization.length > 0
    return {
      ok: true,
      authorization: reuse ? smallCopy(raw.authorization) : raw.authorization,
      serviceSignature: reuse ? raw.serviceSignature && smallCopy(raw.serviceSignature) : raw.serviceSignature,
      corrId,
      entityId,
      command,
      signed: new SignedBytes(prefix, raw.sent, reuse ? headroom : 0),
    }
  })
}

/**
 * What a client makes of the content of a block: like {@link decodeBlock}, but authorizations are not looked at, and
 * the entity is checked against the message (smp.md §6). Never throws.
 */
export function decodeResponses(content: Uint8Array, params: TransmissionParams): ParsedResponse[] {
  return decodeEach(content, params, ({ corrId, entityId, command }) => {
    const message = decodeBrokerMessage(command, params.version)
    const error = checkMessageEntity(message.tag, entityId.length > 0)
    return error === undefined ? { ok: true, corrId, entityId, message } : rejected(corrId, entityId, error)
  })
}

/** `headroom`: bytes from the length of the transmission to its sent part, all of them spent. */
type Interpret<T> = (raw: RawTransmission, headroom: number) => T | Rejected

function decodeEach<T>(content: Uint8Array, params: TransmissionParams, interpret: Interpret<T>): (T | Rejected)[] {
  const bodies = splitBlock(content)
  if (bodies === undefined) return [BAD_BLOCK]
  const results: (T | Rejected)[] = []
  for (const body of bodies) results.push(decodeOne(body, params, interpret))
  return results
}

const LENGTH_PREFIX = 2

function decodeOne<T>(body: Uint8Array, params: TransmissionParams, interpret: Interpret<T>): T | Rejected {
  const raw = attempt(() => readTransmission(new Reader(body), params))
  if (raw === undefined) return BAD_BLOCK
  if (!sessionMatches(raw, params)) return rejected(raw.corrId, EMPTY, SESSION_ERROR)
  try {
    return interpret(raw, LENGTH_PREFIX + body.length - raw.sent.length)
  } catch (error) {
    if (error instanceof CommandError) return rejected(raw.corrId, raw.entityId, error.error)
    throw error
  }
}

function rejected(corrId: CorrId, entityId: EntityId, error: SmpError): Rejected {
  return { ok: false, corrId, entityId, error }
}

/**
 * The transmissions of a block without their lengths, or `undefined` if the block is bad: count 0, or lengths that do
 * not add up exactly to its end (transport.md §5.1).
 */
export function splitBlock(content: Uint8Array): Uint8Array[] | undefined {
  return attempt(() => decodeWhole(content, (r) => r.nonEmpty((item) => item.large("transmission"), "transmissions")))
}
