import type { AgentEvent } from "@sluice/agent/events"
import { z } from "zod"
import type { Json } from "./json.ts"
import { bytesOut, error, messageId, server, userId } from "./values.ts"

const connectionId = bytesOut("The connection.")
const connectionIds = z.array(connectionId)
const info = bytesOut("What the other side says about itself.")
const pq = z.boolean().describe("Post-quantum keys protect it.")
const number64 = z.string().regex(/^\d+$/).describe("A number, as text.")

const integrity = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("OK") }),
    z.object({ type: z.literal("SKIPPED"), from: number64, to: number64 }),
    z.object({ type: z.literal("BAD_ID"), id: number64 }),
    z.object({ type: z.literal("BAD_HASH") }),
    z.object({ type: z.literal("DUPLICATE") }),
  ])
  .meta({ id: "Integrity" })

const meta = z
  .object({
    messageId,
    integrity: integrity.describe("Whether the messages before it came."),
    serverTime: z.int().describe("When the relay got it, seconds since 1970."),
    externalId: number64,
    pq,
  })
  .meta({ id: "MessageMeta" })

const commandResult = z.discriminatedUnion("type", [
  z.object({ type: z.literal("created"), link: z.string(), shortLink: z.string().optional() }),
  z.object({ type: z.literal("joined"), secured: z.boolean() }),
  z.object({ type: z.literal("link"), shortLink: z.string() }),
  z.object({
    type: z.literal("link-data"),
    kind: z.enum(["invitation", "contact"]),
    linkData: bytesOut("What its owner shows."),
    link: z.string(),
  }),
  z.object({ type: z.literal("failed"), error }),
])

/** An event, described for the reference. */
function event<T extends AgentEvent["type"], S extends z.ZodRawShape>(type: T, description: string, shape: S) {
  return z.object({ type: z.literal(type), ...shape }).describe(description)
}

const confirmation = event("confirmation", "Somebody used the invitation. Answer: `allowConnection`.", {
  connectionId,
  confirmationId: bytesOut("For the answer."),
  info,
  pq,
  servers: z.array(server).describe("Where the other side receives."),
})

const request = event("request", "Somebody asks a contact address. Answer: `acceptRequest` or `rejectRequest`.", {
  connectionId: bytesOut("The address."),
  invitationId: bytesOut("For the answer."),
  info,
  pq,
  servers: z.array(server),
})

/** Every event, as clients get it. */
export const EVENTS = [
  confirmation,
  request,
  event("info", "What the inviting side says about itself.", { connectionId, info, pq }),
  event("connected", "Both sides can send.", { connectionId, pq }),
  event("message", "A message. Answer: `acknowledge`; the next one comes after that.", {
    connectionId,
    meta,
    notify: z.boolean(),
    body: bytesOut("What was sent."),
  }),
  event("sent", "A relay has the message.", {
    connectionId,
    messageId,
    proxy: server.optional().describe("Through this one."),
  }),
  event("message-delayed", "It is not delivered yet, and tried again.", { connectionId, messageId, error }),
  event("messages-failed", "They will not be delivered.", { connectionId, messageIds: z.array(messageId), error }),
  event("receipt", "The other side got messages. Answer: `acknowledge`, with the ID of `meta`.", {
    connectionId,
    meta,
    receipts: z.array(z.object({ messageId, status: z.enum(["ok", "bad-hash"]) })),
  }),
  event("quota-cleared", "The other side's full queue has room again.", { connectionId }),
  event("switch", "A queue is being replaced, the own one (`receive`) or the other side's.", {
    connectionId,
    direction: z.enum(["receive", "send"]),
    phase: z.enum(["started", "confirmed", "secured", "completed"]),
  }),
  event("ratchet-sync", "The state of the encryption has changed.", {
    connectionId,
    state: z.enum(["ok", "allowed", "required", "started", "agreed"]),
    error: error.optional(),
  }),
  event("ended", "Another program receives from this connection's queue now.", { connectionId }),
  event("queue-gone", "The relay has no such queue any more.", { connectionId }),
  event("down", "A relay is away, and these connections with it.", { server, connectionIds }),
  event("up", "It is back.", { server, connectionIds }),
  event("queues-deleted", "Queues were deleted at their relays, or could not be.", {
    queues: z.array(z.object({ connectionId, server, error: error.optional() })),
  }),
  event("connections-deleted", "These connections are gone.", { connectionIds }),
  event("user-deleted", "The user is gone.", { userId }),
  event("command-done", "A command in the background has ended.", {
    correlation: z.string(),
    connectionId: connectionId.optional(),
    result: commandResult,
  }),
  event("error", "Something went wrong by itself.", { connectionId: connectionId.optional(), error }),
  event("suspended", "All work has stopped.", {}),
  event("closed", "The last event.", { error }),
] as const

/** An event that a program decides about. */
export const undecidedEvent = z.discriminatedUnion("type", [confirmation, request])

/** Any event. */
export const agentEvent = z.discriminatedUnion("type", EVENTS)

/** An event as it travels. */
export type EventJson = Json<AgentEvent>

/** The compiler compares what the agent tells with what the reference says. */
export const DOCUMENTED: [EventJson] extends [z.input<typeof agentEvent>] ? true : never = true
