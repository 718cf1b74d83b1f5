import { z } from "zod"
import { operation } from "./operation.ts"
import { bytesIn, messageId } from "./values.ts"

const connectionId = bytesIn("A connection.")

export const messageOperations = {
  sendMessage: operation(
    "Stores a message, which is then delivered; `sent` or `messages-failed` tells the rest.",
    {
      params: z.strictObject({
        connectionId,
        body: bytesIn("At most 15795 bytes, 13573 with post-quantum keys."),
        notify: z.boolean().optional().describe("The other side's phone may ring. Default true."),
        pq: z.boolean().optional().describe("Post-quantum keys from this message on."),
      }),
      result: z.object({ messageId, pq: z.boolean().describe("Post-quantum keys protect it.") }),
    },
    (agent, { connectionId: id, body, ...options }) => agent.sendMessage(id, body, options),
  ),
  acknowledge: operation(
    "For every `message` and `receipt` event: this one is done, the next one can come.",
    {
      params: z.strictObject({
        connectionId,
        messageId,
        receipt: z.boolean().optional().describe("Tells the other side that its message came. Default false."),
      }),
      result: z.object({}),
    },
    async (agent, { connectionId: id, messageId: message, receipt = false }) => {
      await agent.acknowledge(id, message, { receipt })
      return {}
    },
  ),
  fetchMessages: operation(
    "Fetches messages of a connection that is not subscribed, up to the first one for the user.",
    { params: z.strictObject({ connectionId }), result: z.object({ count: z.int() }) },
    async (agent, { connectionId: id }) => ({ count: await agent.fetchMessages(id) }),
  ),
} as const
