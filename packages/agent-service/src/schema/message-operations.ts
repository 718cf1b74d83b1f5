import { asAgentError } from "@sluice/agent/network/network-error"
import { z } from "zod"
import { operation } from "./operation.ts"
import { bytesIn, error, messageId } from "./values.ts"

const connectionId = bytesIn("A connection.")
/** A message that a program sends. */
export const outgoing = z
  .strictObject({
    connectionId,
    body: bytesIn("At most 15795 bytes, 13573 with post-quantum keys."),
    notify: z.boolean().optional().describe("The other side's phone may ring. Default true."),
    pq: z.boolean().optional().describe("Post-quantum keys from this message on."),
  })
  .meta({ id: "OutgoingMessage" })
const sent = { messageId, pq: z.boolean().describe("Post-quantum keys protect it.") }

export const messageOperations = {
  sendMessage: operation(
    "Stores a message, which is then delivered; `sent` or `messages-failed` tells the rest.",
    {
      params: z.strictObject(outgoing.shape),
      result: z.object(sent),
    },
    (agent, { connectionId: id, body, ...options }) => agent.sendMessage(id, body, options),
  ),
  sendMessages: operation(
    "Stores many messages, on one or several connections; those of one connection in their order.",
    {
      params: z.strictObject({ messages: z.array(outgoing) }),
      result: z.object({
        results: z
          .array(z.union([z.object(sent), z.object({ error })]))
          .describe("What became of each, in the order of the call."),
      }),
    },
    async (agent, { messages }) => {
      const outcomes = await agent.sendMessages(
        messages.map(({ connectionId: id, body, ...options }) => ({ connectionId: id, body, options })),
      )
      const results = outcomes.map((outcome) =>
        outcome.status === "fulfilled" ? outcome.value : { error: asAgentError(outcome.reason) },
      )
      return { results }
    },
  ),
  acknowledge: operation(
    "For every `message` and `receipt` event: this one is done, the next one can come.",
    {
      params: z.strictObject({
        connectionId,
        messageId,
        receipt: z
          .union([z.boolean(), bytesIn("What it is told besides.")])
          .optional()
          .describe(
            "Tells the other side that its message came, with bytes (base64url) if such are given. Default false.",
          ),
      }),
      result: z.object({}),
    },
    async (agent, { connectionId: id, messageId: message, receipt = false }) => {
      await agent.acknowledge(id, message, { receipt })
      return {}
    },
  ),
  fetchMessages: operation(
    "Fetches messages of a connection that is not subscribed, up to the first one for the program, which comes as an event.",
    { params: z.strictObject({ connectionId }), result: z.object({ count: z.int().describe("How many there were.") }) },
    async (agent, { connectionId: id }) => ({ count: await agent.fetchMessages(id) }),
  ),
} as const
