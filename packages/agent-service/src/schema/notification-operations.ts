import { type DeviceToken, deviceTokenFromJson, deviceTokenToJson } from "@sluice/ntf-protocol/device-token"
import { z } from "zod"
import { operation } from "./operation.ts"
import { bytesIn, bytesOf, bytesOut, error, notificationAddress, reading, server } from "./values.ts"

const NOTHING = z.object({})
const NO_PARAMS = z.strictObject({})
const connectionId = bytesIn("A connection.")
const mode = z
  .enum(["periodic", "instant"])
  .describe("A background push every 20 minutes, or also one for each message.")

const pushProvider = z.enum([
  ...(["apns_dev", "apns_prod", "apns_test", "apns_null"] as const),
  ...(["fcm_prod", "fcm_test", "webpush_prod", "webpush_test"] as const),
])

/** A device token that a program sends. */
export const device = z
  .strictObject({ pushProvider, token: z.string().describe("As the push service gave it; of Web Push base64url.") })
  .transform((json, context): DeviceToken => reading(() => deviceTokenFromJson(json), context))
  .meta({ id: "Device" })

/** What came with a push. */
export const push = z
  .strictObject({
    nonce: bytesOf(24, "`nonce` of its data."),
    ciphertext: bytesIn("`verification` or `message` of its data."),
  })
  .meta({ id: "Push" })

const status = z.object({
  type: z.enum(["NEW", "REGISTERED", "CONFIRMED", "ACTIVE", "EXPIRED", "INVALID"]),
  reason: z.enum(["BAD", "TOPIC", "EXPIRED", "UNREGISTERED"]).optional().describe("Of `INVALID`."),
})
const registered = z.object({ status })

const meta = z.object({ msgId: bytesOut("ID at the relay."), timestamp: z.int().describe("Seconds since 1970.") })
const notified = {
  queue: z.int().describe("Number of the queue in the connection."),
  time: z.int().describe("When the notification server heard of it, seconds since 1970."),
}

const subscriptionState = z.union([
  z.object({ type: z.enum(["NEW", "KEY", "DELETED"]) }),
  z.object({
    type: z.literal("CREATED"),
    status: z.union([
      z.object({ type: z.enum(["NEW", "PENDING", "ACTIVE", "INACTIVE", "END", "DELETED", "AUTH", "SERVICE"]) }),
      z.object({ type: z.literal("ERR"), text: z.string() }),
    ]),
  }),
])

export const notificationOperations = {
  notificationsSetServers: operation(
    "Notification servers for the next new registration. They are not stored: to be called after each start.",
    { params: z.strictObject({ servers: z.array(notificationAddress) }), result: NOTHING },
    async (agent, { servers }) => {
      agent.notifications.setServers(servers)
      return {}
    },
  ),
  notificationsTestServer: operation(
    "Whether a notification server can be used with this address: a registration is made there and deleted.",
    {
      params: z.strictObject({ address: notificationAddress }),
      result: z.object({
        failure: z
          .object({ step: z.enum(["connect", "create-token", "delete-token", "disconnect"]), error })
          .optional()
          .describe("What failed, and where; absent if nothing did."),
      }),
    },
    async (agent, { address }) => ({ failure: await agent.notifications.testServer(address) }),
  ),
  notificationsState: operation(
    "The registration of a device, if there is one.",
    {
      params: NO_PARAMS,
      result: z.object({
        state: z
          .object({ device: z.object({ pushProvider, token: z.string() }), server, status, mode })
          .optional()
          .describe("Absent without a registration."),
      }),
    },
    async (agent) => {
      const { state } = agent.notifications
      return { state: state && { ...state, device: deviceTokenToJson(state.device) } }
    },
  ),
  notificationsRegister: operation(
    "Registers a device, or goes on with what there is; at each start of the app. After `REGISTERED` a verification push comes.",
    { params: z.strictObject({ device, mode }), result: registered },
    async (agent, { device: token, mode: wanted }) => ({ status: await agent.notifications.register(token, wanted) }),
  ),
  notificationsVerify: operation(
    "Proves with a verification push that it has arrived.",
    { params: z.strictObject({ device, push }), result: registered },
    async (agent, { device: token, push: sealed }) => ({ status: await agent.notifications.verify(token, sealed) }),
  ),
  notificationsCheck: operation(
    "Asks the notification server for the status of the registration.",
    { params: z.strictObject({ device }), result: registered },
    async (agent, { device: token }) => ({ status: await agent.notifications.check(token) }),
  ),
  notificationsDelete: operation(
    "Turns notifications off: here at once, at the server as soon as that is reached.",
    { params: NO_PARAMS, result: NOTHING },
    async (agent) => {
      await agent.notifications.delete()
      return {}
    },
  ),
  notificationsSetConnection: operation(
    "Switches instant notifications of one connection; they are on in a new one.",
    { params: z.strictObject({ connectionId, enabled: z.boolean() }), result: NOTHING },
    async (agent, { connectionId: id, enabled }) => {
      await agent.notifications.setConnection(id, enabled)
      return {}
    },
  ),
  notificationsRead: operation(
    "The messages that a push is about.",
    {
      params: z.strictObject({ push }),
      result: z.object({
        messages: z.array(
          z.object({ connectionId: bytesOut("The connection."), ...notified, meta: meta.optional() }).meta({
            id: "NotifiedMessage",
          }),
        ),
      }),
    },
    async (agent, { push: sealed }) => ({ messages: await agent.notifications.read(sealed) }),
  ),
  notificationsFetch: operation(
    "Fetches messages of a connection that a push has told of, where they are not received by themselves.",
    {
      params: z.strictObject({
        message: z
          .strictObject({
            connectionId,
            ...notified,
            meta: z.strictObject({ msgId: bytesIn("ID at the relay."), timestamp: z.int() }).optional(),
          })
          .describe("One of `notificationsRead`."),
      }),
      result: z.object({ count: z.int().describe("How many there were.") }),
    },
    async (agent, { message }) => ({ count: await agent.notifications.fetch(message) }),
  ),
  notificationsSubscription: operation(
    "How far the notifications of a connection are, for those who look for what is wrong.",
    {
      params: z.strictObject({ connectionId }),
      result: z.object({
        subscription: z
          .object({
            relay: server,
            ntfServer: server,
            state: subscriptionState,
            action: z
              .object({ type: z.enum(["key", "delete", "create", "check"]), at: z.number().describe("ms since 1970.") })
              .optional()
              .describe("What is done next."),
          })
          .optional(),
      }),
    },
    async (agent, { connectionId: id }) => ({ subscription: agent.notifications.subscription(id) }),
  ),
} as const
