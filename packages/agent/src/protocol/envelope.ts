import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import { encodeWith } from "@sluice/encoding/writer"
import { type E2eParams, readE2eParams, writeE2eParams } from "@sluice/ratchet/e2e-params"
import type { ConnectionRequest, InvitationRequest } from "@sluice/short-links/connection-request"
import { LinkError } from "@sluice/short-links/errors"
import { parseFullLink } from "@sluice/short-links/full-link"

/** What the body of a queue's message holds, besides the sender's key (agent.md §4). */
export type AgentEnvelope = { readonly version: Version } & (
  | {
      readonly tag: "CONFIRMATION"
      /** Of the joiner; absent in the initiator's. */
      readonly e2e?: E2eParams | undefined
      /** A ratchet message with connection info. */
      readonly encrypted: Uint8Array
    }
  /** A ratchet message. */
  | { readonly tag: "MESSAGE"; readonly encrypted: Uint8Array }
  /** A request to a contact address; protected by the box of the queue only. */
  | { readonly tag: "INVITATION"; readonly request: string; readonly info: Uint8Array }
  /** Keys for a new ratchet; protected by the box of the queue only. */
  | { readonly tag: "RATCHET_KEY"; readonly e2e: E2eParams; readonly info: Uint8Array }
)

/** Throws `EncodeError`. */
export function encodeEnvelope(envelope: AgentEnvelope): Uint8Array {
  return encodeWith((w) => {
    w.u16(envelope.version)
    switch (envelope.tag) {
      case "CONFIRMATION":
        w.ascii("C").maybe(envelope.e2e, writeE2eParams).raw(envelope.encrypted)
        break
      case "MESSAGE":
        w.ascii("M").raw(envelope.encrypted)
        break
      case "INVITATION":
        w.ascii("I").large(utf8(envelope.request)).raw(envelope.info)
        break
      case "RATCHET_KEY":
        writeE2eParams(w.ascii("R"), envelope.e2e)
        w.raw(envelope.info)
    }
  })
}

/** Bytes are views. Throws `DecodeError`. */
export function decodeEnvelope(bytes: Uint8Array): AgentEnvelope {
  const r = new Reader(bytes)
  const version = r.u16("agent version")
  switch (String.fromCharCode(r.u8("envelope"))) {
    case "C":
      return { tag: "CONFIRMATION", version, e2e: r.maybe(readE2eParams, "e2e params"), encrypted: r.tail() }
    case "M":
      return { tag: "MESSAGE", version, encrypted: r.tail() }
    case "I": {
      const request = fromUtf8(r.large("connection request"))
      invitedTo(request)
      return { tag: "INVITATION", version, request, info: r.tail() }
    }
    case "R":
      return { tag: "RATCHET_KEY", version, e2e: readE2eParams(r), info: r.tail() }
    default:
      throw new DecodeError("envelope: unknown type")
  }
}

/** The request of an invitation. Throws `DecodeError`, also for the request of a contact address. */
export function invitedTo(text: string): InvitationRequest {
  const request = parsed(text)
  if (request.kind !== "invitation") throw new DecodeError("connection request: not an invitation")
  return request
}

function parsed(text: string): ConnectionRequest {
  try {
    return parseFullLink(text)
  } catch (error) {
    if (error instanceof LinkError) throw new DecodeError("connection request: invalid link")
    throw error
  }
}
