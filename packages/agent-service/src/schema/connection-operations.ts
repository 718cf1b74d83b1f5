import { z } from "zod"
import { undecidedEvent } from "./events.ts"
import { operation } from "./operation.ts"
import { acceptOptions, addressOptions, createOptions, joinOptions } from "./options.ts"
import { formatPrepared, prepared } from "./prepared.ts"
import { bytesIn, bytesOut, error, server, userId } from "./values.ts"

const NOTHING = z.object({})
const connectionId = bytesIn("A connection.")
const ONE = z.strictObject({ connectionId })
const created = {
  connectionId: bytesOut("The connection."),
  link: z.string().describe("The full link, for the other side."),
  shortLink: z.string().optional(),
}
const joined = z.object({
  connectionId: bytesOut("The connection."),
  secured: z.boolean().describe("Messages can be sent already; else `connected` comes first."),
})
const queue = {
  server,
  status: z.enum(["new", "confirmed", "secured", "active", "disabled"]),
  switching: z.boolean().describe("It is being replaced."),
}

export const connectionOperations = {
  createConnection: operation(
    "Makes a one-time invitation or a contact address.",
    { params: z.strictObject({ userId, ...createOptions }), result: z.object(created) },
    (agent, { userId: user, ...options }) => agent.createConnection(user, options),
  ),
  newConnectionId: operation(
    "An ID for calls that are to be repeated with the same connection if they fail.",
    { params: z.strictObject({}), result: z.object({ connectionId: bytesOut("12 random bytes.") }) },
    async (agent) => ({ connectionId: agent.newConnectionId() }),
  ),
  prepareAddress: operation(
    "Plans a contact address, and gives its links, without a network. Nobody can use them until `createPrepared` makes it.",
    {
      params: z.strictObject({ userId, ...addressOptions, linkData: bytesIn("What is read behind the short link.") }),
      result: z.object({
        ...created,
        prepared: z.string().describe("For `createPrepared`. It holds private keys: keep it as a secret."),
      }),
    },
    async (agent, { userId: user, ...options }) => {
      const { prepared: plan, ...links } = agent.prepareAddress(user, options)
      return { ...links, prepared: formatPrepared(plan) }
    },
  ),
  createPrepared: operation(
    "Makes a planned address. It can be repeated if it fails.",
    { params: z.strictObject({ prepared }), result: z.object(created) },
    (agent, { prepared: plan }) => agent.createPrepared(plan),
  ),
  joinConnection: operation(
    "Uses a link of any form.",
    {
      params: z.strictObject({ userId, link: z.string(), ...joinOptions }),
      result: joined,
    },
    (agent, { userId: user, link, ...options }) => agent.joinConnection(user, link, options),
  ),
  allowConnection: operation(
    "Connects to the one who used an invitation; answers a `confirmation` event.",
    {
      params: z.strictObject({
        connectionId,
        confirmationId: bytesIn("From the event."),
        info: bytesIn("What the other side is told."),
      }),
      result: NOTHING,
    },
    async (agent, { connectionId: id, confirmationId, info }) => {
      await agent.allowConnection(id, confirmationId, info)
      return {}
    },
  ),
  acceptRequest: operation(
    "Connects to the one who asked a contact address; answers a `request` event.",
    {
      params: z.strictObject({ invitationId: bytesIn("From the event."), ...acceptOptions }),
      result: joined,
    },
    (agent, { invitationId, ...options }) => agent.acceptRequest(invitationId, options),
  ),
  rejectRequest: operation(
    "Forgets a request. The other side is not told.",
    { params: z.strictObject({ invitationId: bytesIn("From the event.") }), result: NOTHING },
    async (agent, { invitationId }) => {
      await agent.rejectRequest(invitationId)
      return {}
    },
  ),
  undecided: operation(
    "The `request` and `confirmation` events that nobody has answered, also from before the last start.",
    { params: z.strictObject({}), result: z.object({ events: z.array(undecidedEvent) }) },
    async (agent) => ({ events: await agent.undecided() }),
  ),
  connections: operation(
    "All connections.",
    { params: z.strictObject({}), result: z.object({ connectionIds: z.array(bytesOut("A connection.")) }) },
    async (agent) => ({ connectionIds: await agent.connections() }),
  ),
  connection: operation(
    "What is known of a connection.",
    {
      params: ONE,
      result: z.object({
        userId,
        kind: z.enum(["contact", "pending", "duplex"]).describe("`contact` is an address, `pending` can not send yet."),
        version: z.int().describe("Agreed agent version."),
        pq: z.boolean(),
        sync: z.enum(["ok", "allowed", "required", "started", "agreed"]).describe("State of the encryption."),
        receiving: z.array(z.object({ ...queue, subscribed: z.boolean() })),
        sending: z.array(z.object(queue)),
      }),
    },
    (agent, { connectionId: id }) => agent.connection(id),
  ),
  securityCode: operation(
    "A code that is equal on both sides, unless somebody is in between.",
    { params: ONE, result: z.object({ code: bytesOut("32 bytes.") }) },
    async (agent, { connectionId: id }) => ({ code: await agent.securityCode(id) }),
  ),
  deleteConnection: operation(
    "Deletes a connection: gone at once, its queues a little later, which `connections-deleted` tells.",
    {
      params: z.strictObject({
        connectionId,
        waitDelivery: z.boolean().optional().describe("Only when what was sent is delivered. Default false."),
      }),
      result: NOTHING,
    },
    async (agent, { connectionId: id, waitDelivery = false }) => {
      await agent.deleteConnection(id, { waitDelivery })
      return {}
    },
  ),
  deleteConnectionNow: operation(
    "Deletes a connection and its queues, and fails if a relay does not answer.",
    { params: ONE, result: NOTHING },
    async (agent, { connectionId: id }) => {
      await agent.deleteConnectionNow(id)
      return {}
    },
  ),
  changeUser: operation(
    "Gives an invitation or address that nobody has used to another user. Its queue stays where it is.",
    { params: z.strictObject({ connectionId, userId }), result: NOTHING },
    async (agent, { connectionId: id, userId: user }) => {
      await agent.changeUser(id, user)
      return {}
    },
  ),
  queueInfo: operation(
    "What its relay tells of the queue of a connection; for looking at problems, nothing in it is guaranteed.",
    {
      params: ONE,
      result: z.object({
        secured: z.boolean(),
        hasNotifier: z.boolean(),
        size: z.int().describe("Messages that wait."),
        subscription: z
          .object({
            thread: z.enum(["noSub", "subPending", "subThread", "prohibitSub"]),
            delivered: bytesOut("ID of the message that is not acknowledged.").optional(),
          })
          .optional()
          .describe("Of this agent."),
        first: z
          .object({
            msgId: bytesOut("ID at the relay."),
            timestamp: z.string().describe("ISO 8601."),
            type: z.enum(["message", "quota"]),
          })
          .optional()
          .describe("The message that waits for longest."),
      }),
    },
    (agent, { connectionId: id }) => agent.queueInfo(id),
  ),
  suspendQueues: operation(
    "The queues of a connection take no more messages; those that wait can still be received.",
    { params: ONE, result: NOTHING },
    async (agent, { connectionId: id }) => {
      await agent.suspendQueues(id)
      return {}
    },
  ),
  readLink: operation(
    "What is behind a short link. A one-time link is locked to this agent by it, which can then join.",
    {
      params: z.strictObject({ userId, shortLink: z.string() }),
      result: z.object({
        kind: z.enum(["invitation", "contact"]),
        linkData: bytesOut("What its owner shows."),
        link: z.string().describe("The full link."),
      }),
    },
    (agent, { userId: user, shortLink }) => agent.readLink(user, shortLink),
  ),
  setLink: operation(
    "Changes what is read behind the short link of a connection, or gives one to a contact address.",
    {
      params: z.strictObject({ connectionId, linkData: bytesIn("What is read.") }),
      result: z.object({ shortLink: z.string() }),
    },
    async (agent, { connectionId: id, linkData }) => ({ shortLink: await agent.setLink(id, linkData) }),
  ),
  deleteLink: operation(
    "Nobody can use the short link any more. The full one goes on working.",
    { params: ONE, result: NOTHING },
    async (agent, { connectionId: id }) => {
      await agent.deleteLink(id)
      return {}
    },
  ),
  subscribe: operation(
    "Receives from these connections, or all. The service does so by itself when it starts.",
    {
      params: z.strictObject({ connectionIds: z.array(connectionId).optional() }),
      result: z.object({ failures: z.array(z.object({ connectionId: bytesOut("A connection."), error })) }),
    },
    async (agent, { connectionIds }) => ({ failures: await agent.subscribe(connectionIds) }),
  ),
  switchQueue: operation(
    "Moves the queue that a connection receives from to another server of the user. `switch` events tell the progress.",
    { params: ONE, result: NOTHING },
    async (agent, { connectionId: id }) => {
      await agent.switchQueue(id)
      return {}
    },
  ),
  abortSwitch: operation(
    "Takes back a move that the other side has not answered.",
    { params: ONE, result: NOTHING },
    async (agent, { connectionId: id }) => {
      await agent.abortSwitch(id)
      return {}
    },
  ),
  synchronizeRatchet: operation(
    "New keys with the other side, after a `ratchet-sync` event.",
    {
      params: z.strictObject({ connectionId, force: z.boolean().optional().describe("At any time. Default false.") }),
      result: NOTHING,
    },
    async (agent, { connectionId: id, force = false }) => {
      await agent.synchronizeRatchet(id, { force })
      return {}
    },
  ),
} as const
