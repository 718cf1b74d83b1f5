import websocket from "@fastify/websocket"
import type { Agent } from "@sluice/agent/agent"
import { type Bind, bindOf, formatBind } from "@sluice/ops/bind"
import { addressOf, listenFor } from "@sluice/ops/http-listen"
import type { Log } from "@sluice/ops/log"
import type { Secret } from "@sluice/ops/secret"
import type { Service } from "@sluice/ops/service"
import { fastify } from "fastify"
import { refusal, SUBPROTOCOL } from "./access.ts"
import { callAgent, type Outcome } from "./calls.ts"
import { ClientSession } from "./client-session.ts"
import type { AgentServiceConfig } from "./config.ts"
import { Pending } from "./pending.ts"
import { toJson } from "./schema/json.ts"

/** Bytes of the largest frame that is read: some 40 messages of the largest kind at once, in base64url. */
const LARGEST_FRAME = 1024 * 1024
const REQUEST_TIME_LIMIT = 10_000

/** What the server is made of. */
export interface AgentServerParts {
  readonly agent: Agent
  readonly token: Secret
  readonly version: string
  readonly log: Log
}

/** The WebSocket at `/agent`. `start` listens, `stop` answers what is under way and closes the connections. */
export interface AgentServer extends Service {
  /** Where it listens, with the real port. */
  readonly address: Bind
}

/**
 * Offers an agent to programs: calls and events as JSON over a WebSocket (docs/agent-service.md). The agent stays its
 * caller's, who closes it after this.
 */
export async function createAgentServer(config: AgentServiceConfig, parts: AgentServerParts): Promise<AgentServer> {
  const { agent, log } = parts
  const sessions = new Set<ClientSession>()
  const pending = new Pending(config.maxPending)
  const stopListening = agent.events.onAny((event) => {
    pending.add(event)
    const json = toJson(event)
    for (const session of sessions) session.tell(json)
  })
  // What was not answered before the last stop.
  for (const event of await agent.undecided()) pending.add(event)
  const app = fastify({ logger: false, requestTimeout: REQUEST_TIME_LIMIT, forceCloseConnections: true })
  await app.register(websocket, {
    options: { maxPayload: LARGEST_FRAME, perMessageDeflate: false, handleProtocols: chooseProtocol },
    // Sessions say goodbye by themselves, in `stop`.
    preClose: () => undefined,
  })
  const call = async (name: string, params: unknown): Promise<Outcome> => {
    const outcome = await callAgent(agent, name, params, (error) => log.error("a call failed", { error }))
    if ("result" in outcome) pending.answered(name, (params ?? {}) as Record<string, unknown>)
    return outcome
  }
  const { maxCalls, sendBuffer, maxClients } = config
  const surroundings = {
    ...{ version: parts.version, maxCalls, sendBuffer, call },
    async *pending() {
      for (const of of pending.list()) {
        const event = await agent.unanswered(of)
        if (event !== undefined) yield toJson(event)
      }
    },
    failed: (error: unknown) => log.error("what waits for an answer could not be read", { error }),
  }
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: "not found" }))
  app.get(
    "/agent",
    {
      websocket: true,
      onRequest: async (request, reply) => {
        const status = refusal(request.headers, { token: parts.token, ...config })
        if (status !== undefined) return reply.code(status).send({ error: REFUSALS[status] })
        if (sessions.size >= maxClients) return reply.code(503).send({ error: "too many programs are connected" })
        return undefined
      },
    },
    (socket) => {
      const session = new ClientSession(socket, surroundings)
      sessions.add(session)
      // What is wrong with a connection ends it; the program sees that itself.
      socket.on("error", () => session.cut())
      socket.on("close", () => sessions.delete(session))
    },
  )
  return {
    async start() {
      await listenFor("programs", bindOf(config.bind, config.port), (at) => app.listen(at))
      log.info("serving programs", { bind: formatBind(addressOf(app.server)) })
    },
    async stop(deadline) {
      stopListening()
      const cut = (): void => {
        for (const session of sessions) session.cut()
      }
      deadline.addEventListener("abort", cut, { once: true })
      if (deadline.aborted) cut()
      app.server.close()
      await Promise.all([...sessions].map((session) => session.drain()))
      deadline.removeEventListener("abort", cut)
      await app.close()
    },
    get address() {
      return addressOf(app.server)
    },
  }
}

const REFUSALS = { 401: "a bearer token is needed", 403: "not from there" } as const

/** The real subprotocol if the client names it; never the one that holds the token. */
function chooseProtocol(offered: Set<string>): string | false {
  return offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false
}
