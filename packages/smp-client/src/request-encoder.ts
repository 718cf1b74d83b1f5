import type { Version } from "@sluice/encoding/version"
import { MAX_TRANSMISSION_LENGTH } from "@sluice/smp-protocol/batch"
import { type Command, encodeCommand } from "@sluice/smp-protocol/commands"
import { encodeOutgoingBytes, type Signer } from "@sluice/smp-protocol/outgoing"
import type { TransmissionParams } from "@sluice/smp-protocol/transmission"
import { type CorrId, type EntityId, ID_LENGTH, NO_ENTITY } from "@sluice/smp-protocol/types"
import { VERSION } from "@sluice/smp-protocol/versions"
import { encoded, SmpClientError } from "./client-error.ts"
import type { Request } from "./request.ts"

/** A request as a transmission without its length prefix. */
export interface EncodedRequest {
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly transmission: Uint8Array
}

/** What a request becomes in a session. `serviceId` is that of the session, if the server accepted it as a service. */
export interface EncodingSession {
  readonly signer: Signer
  readonly params: TransmissionParams
  readonly serviceId: EntityId | undefined
}

/**
 * Encodes and authorizes a request. Throws `SmpClientError`: UNSUPPORTED, NOT_A_SERVICE, NO_SERVER_KEY, UNENCODABLE,
 * TOO_LARGE.
 */
export function encodeRequest({ signer, params, serviceId }: EncodingSession, request: Request): EncodedRequest {
  const { command, key, asService } = request
  const { tag } = command
  const since = firstVersion(command)
  if (params.version < since) {
    throw new SmpClientError({ code: "UNSUPPORTED", command: tag, version: params.version, since })
  }
  if (asService === true && serviceId === undefined) throw new SmpClientError({ code: "NOT_A_SERVICE", command: tag })
  if (key?.algorithm === "x25519" && signer.serverKey === undefined) {
    throw new SmpClientError({ code: "NO_SERVER_KEY", command: tag })
  }
  const corrId = request.corrId ?? signer.crypto.randomBytes(ID_LENGTH)
  const entityId = (asService === true ? serviceId : request.entityId) ?? NO_ENTITY
  const transmission = encoded(tag, () => {
    const bytes = encodeCommand(command, params.version)
    return encodeOutgoingBytes(signer, params, { corrId, entityId, tag, command: bytes, key })
  })
  if (transmission.length > MAX_TRANSMISSION_LENGTH) throw new SmpClientError({ code: "TOO_LARGE", command: tag })
  return { corrId, entityId, transmission }
}

/** First version that has this command in this form; servers below it would not understand, or drop a part of it. */
export function firstVersion(command: Command): Version {
  switch (command.tag) {
    case "NEW":
      if (command.notifier !== undefined) return VERSION.NOTIFIER_IN_NEW
      return command.queueData?.link === undefined ? VERSION.SUBSCRIPTION_MODE : VERSION.SHORT_LINKS
    case "WRT":
    case "CLR":
    case "READ":
      return VERSION.AUTHENTICATED_COMMANDS
    case "SKEY":
      return VERSION.SENDER_SECURES
    case "PRXY":
    case "PFWD":
    case "RFWD":
      return VERSION.PROXY
    case "RKEY":
    case "LSET":
    case "LDEL":
    case "LKEY":
    case "LGET":
      return VERSION.SHORT_LINKS
    case "SUBS":
    case "NSUBS":
      return VERSION.SERVICE_CERTIFICATES
    case "RSLV":
      return VERSION.NAMES
    default:
      return VERSION.SUBSCRIPTION_MODE
  }
}
