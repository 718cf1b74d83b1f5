import { z } from "zod"
import { connectionOperations } from "./connection-operations.ts"
import { messageOperations } from "./message-operations.ts"
import { type Operation, operation } from "./operation.ts"
import { serverSetting, userId } from "./values.ts"

const NOTHING = z.object({})
const NO_PARAMS = z.strictObject({})

const userOperations = {
  createUser: operation(
    "Makes a user with these servers, at least one of which can keep queues.",
    { params: z.strictObject({ servers: z.array(serverSetting).min(1) }), result: z.object({ userId }) },
    async (agent, { servers }) => ({ userId: await agent.createUser(servers) }),
  ),
  users: operation(
    "All users.",
    { params: NO_PARAMS, result: z.object({ userIds: z.array(userId) }) },
    async (agent) => ({ userIds: agent.users() }),
  ),
  setServers: operation(
    "Servers for new queues and as proxies; queues that exist stay where they are.",
    { params: z.strictObject({ userId, servers: z.array(serverSetting).min(1) }), result: NOTHING },
    async (agent, { userId: id, servers }) => {
      await agent.setServers(id, servers)
      return {}
    },
  ),
  deleteUser: operation(
    "Deletes a user with all connections. The event `user-deleted` tells the end.",
    {
      params: z.strictObject({
        userId,
        queues: z.boolean().optional().describe("Also at the relays. Default true; false is done at once."),
      }),
      result: NOTHING,
    },
    async (agent, { userId: id, queues = true }) => {
      await agent.deleteUser(id, { queues })
      return {}
    },
  ),
} as const

const networkOperations = {
  setNetwork: operation(
    "Other network settings: all connections to relays are made anew.",
    {
      params: z.strictObject({
        privacy: z.enum(["fast", "standard", "high", "maximum"]).optional().describe("Presets the others."),
        sessionMode: z.enum(["user", "session", "server", "entity"]).optional(),
        proxyUse: z.enum(["always", "unknown", "unprotected", "never"]).optional(),
        proxyFallback: z.enum(["yes", "protected", "no"]).optional(),
        hostMode: z.enum(["onion-via-socks", "onion", "public"]).optional(),
        requiredHost: z.boolean().optional(),
      }),
      result: NOTHING,
    },
    async (agent, options) => {
      const given = Object.entries(options).filter(([, value]) => value !== undefined)
      await agent.setNetwork(Object.fromEntries(given))
      return {}
    },
  ),
  retryNow: operation(
    "What waits to be tried again is tried now.",
    { params: NO_PARAMS, result: NOTHING },
    async (agent) => {
      agent.retryNow()
      return {}
    },
  ),
} as const

/** Every call of the agent that clients can make, by its name. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...userOperations,
  ...connectionOperations,
  ...messageOperations,
  ...networkOperations,
}
