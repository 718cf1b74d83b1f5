import { utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { Letters } from "@sluice/encoding/letters"
import { readLetter, writeLetter } from "@sluice/encoding/letters"
import type { Reader } from "@sluice/encoding/reader"
import { readVersionRange, type VersionRange, writeVersionRange } from "@sluice/encoding/version"
import type { Writer } from "@sluice/encoding/writer"
import { type E2eParameters, readE2eParameters, writeE2eParameters } from "./e2e-parameters.ts"
import { lenientUtf8 } from "./lenient-utf8.ts"
import { type QueueUri, readQueueUri, writeQueueUri } from "./queue-uri.ts"

/** What both kinds of connection requests hold (agent.md §2). */
export interface RequestData {
  /** Versions of the agent protocol. */
  readonly agentVersions: VersionRange
  /** At least one queue; only the first is used today. */
  readonly queues: readonly [QueueUri, ...QueueUri[]]
  /** Text of the app, such as JSON with the ID of a group link. */
  readonly clientData?: string | undefined
}

/** A one-time invitation: whoever uses it first is connected. */
export interface InvitationRequest extends RequestData {
  readonly kind: "invitation"
  readonly e2e: E2eParameters
}

/** A contact address: everyone who has it may ask to be connected. */
export interface ContactRequest extends RequestData {
  readonly kind: "contact"
}

/** What a full link says, and what the fixed data of a short link holds. */
export type ConnectionRequest = InvitationRequest | ContactRequest

const KINDS: Letters<ConnectionRequest["kind"]> = { I: "invitation", C: "contact" }

/**
 * Binary form, used only in link data (short-links.md §4.1). A queue whose mode is not written comes back with mode
 * `contact`: that is how the network reads it, so such a request does not survive a round trip.
 */
export function readConnectionRequest(r: Reader): ConnectionRequest {
  const kind = readLetter(r, KINDS, "request kind")
  const agentVersions = readVersionRange(r, "agent versions")
  const queues = asNonEmpty(r.nonEmpty(readQueueUri, "queues").map((queue) => ({ mode: "contact", ...given(queue) })))
  const clientData = r.maybe((from) => lenientUtf8(from.large("client data")))
  const data: RequestData = { agentVersions, queues, clientData }
  return kind === "contact" ? { kind, ...data } : { kind, ...data, e2e: readE2eParameters(r) }
}

/** Counterpart of {@link readConnectionRequest}. */
export function writeConnectionRequest(w: Writer, request: ConnectionRequest): void {
  writeLetter(w, KINDS, request.kind)
  writeVersionRange(w, request.agentVersions)
  w.nonEmpty(request.queues, writeQueueUri)
  w.maybe(request.clientData, (to, text) => to.large(utf8(text)))
  if (request.kind === "invitation") writeE2eParameters(w, request.e2e)
}

/** The queues with the type that says there is one. Throws `DecodeError` where there is none. */
export function asNonEmpty(queues: readonly QueueUri[]): [QueueUri, ...QueueUri[]] {
  const [first, ...others] = queues
  if (first === undefined) throw new DecodeError("connection request: no queue")
  return [first, ...others]
}

function given(queue: QueueUri): QueueUri {
  const { mode, ...rest } = queue
  return mode === undefined ? rest : queue
}
