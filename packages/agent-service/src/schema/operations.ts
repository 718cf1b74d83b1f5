import { z } from "zod"
import { connectionOperations } from "./connection-operations.ts"
import { messageOperations } from "./message-operations.ts"
import { notificationOperations } from "./notification-operations.ts"
import { type Operation, operation } from "./operation.ts"
import { commandOperations } from "./stored-commands.ts"
import { address, error, serverSetting, userId } from "./values.ts"

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
  testServer: operation(
    "Whether a server can be used with this address: a queue is made there, secured and deleted.",
    {
      params: z.strictObject({ address }),
      result: z.object({
        failure: z
          .object({ step: z.enum(["connect", "create-queue", "secure-queue", "delete-queue", "disconnect"]), error })
          .optional()
          .describe("What failed, and where; absent if nothing did."),
      }),
    },
    async (agent, { address: server }) => ({ failure: await agent.testServer(server) }),
  ),
  resolveName: operation(
    "What a name stands for, asked of one of the user's servers that resolve names.",
    {
      params: z.strictObject({ userId, name: z.string().max(256) }),
      result: z.object({
        name: z.string(),
        nickname: z.string(),
        website: z.string(),
        location: z.string(),
        simplexContact: z.array(z.string()).describe("Contact links, the primary one first."),
        simplexChannel: z.array(z.string()).describe("Channel links, the primary one first."),
      }),
    },
    (agent, { userId: user, name }) => agent.resolveName(user, name),
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
        socks: z
          .strictObject({
            proxy: z.strictObject({ host: z.string(), port: z.int().min(1).max(65_535) }),
            use: z.enum(["always", "onion"]),
            isolate: z.boolean().optional().describe("Other credentials for other circuits. Default true."),
          })
          .optional(),
        noise: z
          .strictObject({ minMs: z.int().min(1000), maxMs: z.int().min(1000) })
          .nullable()
          .optional()
          .describe("Messages without content at random times; null for none."),
      }),
      result: NOTHING,
    },
    async (agent, options) => {
      const given = Object.entries(options).filter(([, value]) => value !== undefined)
      // For the agent, noise that is there and undefined is what `null` is here.
      await agent.setNetwork(Object.fromEntries(given.map(([name, value]) => [name, value ?? undefined])))
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
  suspend: operation(
    "Stops receiving and sending for all programs; `suspended` tells the end. Calls that only store something go on working.",
    {
      params: z.strictObject({
        withinMs: z.int().min(0).max(600_000).optional().describe("What is under way has so long. Default 10000."),
      }),
      result: NOTHING,
    },
    async (agent, { withinMs = 10_000 }) => {
      await agent.suspend({ withinMs })
      return {}
    },
  ),
  resume: operation(
    "Goes on after `suspend`: receives again, and delivers what waits.",
    { params: NO_PARAMS, result: NOTHING },
    async (agent) => {
      await agent.resume()
      return {}
    },
  ),
  cleanUp: operation(
    "Removes what is over, as the agent does by itself every 5 minutes.",
    { params: NO_PARAMS, result: NOTHING },
    async (agent) => {
      await agent.cleanUp()
      return {}
    },
  ),
} as const

/** What the agent has and programs can not call, and why. A test compares. */
export const NOT_OFFERED: Readonly<Record<string, string>> = {
  close: "SIGTERM stops the agent with its service.",
  events: "They come to programs that have called `listen`.",
  unanswered: "`listen` tells again what was not answered.",
  notifications: "What it offers are calls of their own: its `register` is `notificationsRegister`, and so on.",
}

/** Every call of the agent that clients can make, by its name. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...userOperations,
  ...connectionOperations,
  ...commandOperations,
  ...messageOperations,
  ...notificationOperations,
  ...networkOperations,
}
