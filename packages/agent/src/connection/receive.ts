import { DecodeError } from "@sluice/encoding/errors"
import { attempt } from "@sluice/smp-protocol/attempt"
import { type ClientEnvelope, type ClientMessage, decodeClientEnvelope } from "@sluice/smp-protocol/client-message"
import type { MsgId } from "@sluice/smp-protocol/types"
import { AgentError, type PeerError, peerError } from "../errors.ts"
import { type AgentEnvelope, decodeEnvelope } from "../protocol/envelope.ts"
import { isAcceptable } from "../protocol/versions.ts"
import type { ReceiveQueueRecord } from "../store/records.ts"
import type { AckBy, Arrival } from "./arrival.ts"
import { receiveConfirmation } from "./confirmation.ts"
import { receiveRequest } from "./contact.ts"
import type { Draft } from "./draft.ts"
import { receiveMessage } from "./incoming.ts"
import { openFromQueue, queueSecret } from "./queue-box.ts"
import { receiveRatchetKey } from "./resync.ts"

/**
 * What a message of a queue does to its connection: the table of agent.md §8. Whatever is wrong with it, it is told to the
 * user as an event, and acknowledged to the server: it would be as wrong the next time.
 */
export async function receive(draft: Draft, queue: ReceiveQueueRecord, arrival: Arrival): Promise<AckBy> {
  try {
    return await dispatch(draft, queue, arrival)
  } catch (error) {
    // Also where the answer to a message is not possible, e.g. too long: that is for the user to know, and to go on.
    if (!(error instanceof AgentError)) throw error
    draft.emit({ type: "error", connectionId: draft.id, error })
    return "agent"
  }
}

async function dispatch(draft: Draft, queue: ReceiveQueueRecord, arrival: Arrival): Promise<AckBy> {
  const envelope = attempt(() => decodeClientEnvelope(arrival.body))
  if (envelope === undefined) throw peerError({ type: "A_MESSAGE" })
  const { client } = draft.env.versions
  if (!isAcceptable(envelope.version, client, queue.clientVersion)) throw peerError({ type: "A_VERSION" })
  if (queue.e2eSecret === undefined) return await beforeSecret(draft, queue, envelope, arrival.serverId)
  const message = openFromQueue(draft.env, queue.e2eSecret, envelope)
  const inner = agentEnvelope(draft, message)
  // A confirmation that comes again: its acknowledgement was lost.
  if (envelope.key !== undefined) {
    if (inner.tag === "CONFIRMATION") return "agent"
    throw wrong("msg: public header")
  }
  if (message.senderKey !== undefined) throw wrong("msg: bad client msg")
  switch (inner.tag) {
    case "MESSAGE":
      return await receiveMessage(draft, queue, arrival, inner)
    case "RATCHET_KEY":
      await receiveRatchetKey(draft, inner)
      return "agent"
    default:
      throw wrong("msg: bad client msg")
  }
}

/** No sender is known yet: only what starts a connection can come. */
async function beforeSecret(
  draft: Draft,
  queue: ReceiveQueueRecord,
  envelope: ClientEnvelope,
  serverId: MsgId,
): Promise<AckBy> {
  if (envelope.key === undefined) throw wrong("msg: no keys")
  const e2eSecret = queueSecret(draft.env, queue, envelope.key)
  const message = openFromQueue(draft.env, e2eSecret, envelope)
  const inner = agentEnvelope(draft, message)
  if (inner.tag === "CONFIRMATION") {
    if (message.senderKey === undefined && queue.mode !== "messaging") throw wrong("handshake: missing sender key")
    const clientVersion = Math.min(envelope.version, draft.env.versions.client.max)
    await receiveConfirmation(draft, queue, { e2eSecret, clientVersion, senderKey: message.senderKey, envelope: inner })
  } else if (inner.tag === "INVITATION" && message.senderKey === undefined) {
    await receiveRequest(draft, inner, serverId)
  } else throw wrong("handshake: incorrect state")
  return "agent"
}

function agentEnvelope(draft: Draft, { body }: ClientMessage): AgentEnvelope {
  try {
    const envelope = decodeEnvelope(body)
    // Inside of a connection everybody names the highest version that it knows, which then counts for both.
    const established = envelope.tag === "MESSAGE" || envelope.tag === "RATCHET_KEY"
    const { agent } = draft.env.versions
    if ((established && envelope.version >= agent.min) || isAcceptable(envelope.version, agent, draft.record.version)) {
      return envelope
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw peerError({ type: "A_MESSAGE" })
  }
  throw peerError({ type: "A_VERSION" })
}

function wrong(text: string): AgentError {
  return peerError({ type: "A_PROHIBITED", text } satisfies PeerError)
}
