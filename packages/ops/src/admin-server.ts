import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify"
import { hasBearerToken } from "./bearer-token.ts"
import { type Bind, bindOf, formatBind } from "./bind.ts"
import { addressOf, listenFor } from "./http-listen.ts"
import type { Log } from "./log.ts"
import type { Metrics } from "./metrics.ts"
import type { Readiness } from "./readiness.ts"
import type { Secret } from "./secret.ts"

/** A request to an administrator's route. */
export interface AdminRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string | undefined>>
  /** Parsed JSON, or `undefined`. Unchecked. */
  readonly body: unknown
}

/** The answer: status 200 unless said otherwise, body as JSON. */
export interface AdminResponse {
  readonly status?: number
  readonly body?: unknown
}

/** A route for administrators, below `/admin`. */
export interface AdminRoute {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  /** Such as `/queues/:id`. */
  readonly path: string
  handle(request: AdminRequest): AdminResponse | Promise<AdminResponse>
}

export interface AdminServerOptions {
  /** Address of this machine, `*` for all. */
  readonly bind: string
  /** TCP port, 0 for a free one. */
  readonly port: number
  /** Bearer token of the administrators' routes; without it there are none. */
  readonly token?: Secret | undefined
  readonly routes?: readonly AdminRoute[]
}

export interface AdminServerComponents {
  readonly metrics: Pick<Metrics, "render" | "contentType">
  readonly readiness: Pick<Readiness, "report">
  readonly log: Log
}

/** The HTTP server for operators. */
export interface AdminServer extends AsyncDisposable {
  /** Begins to listen. @throws OperatorError when the address cannot be used */
  listen(): Promise<void>
  /** Where it listens, with the real port. Throws before `listen`. */
  readonly address: Bind
  /** Ends it, open connections included. */
  close(): Promise<void>
  /** Answers a request without a network, for tests. */
  inject: FastifyInstance["inject"]
}

const LARGEST_BODY = 64 * 1024
const REQUEST_TIME_LIMIT = 10_000

/**
 * `GET /metrics`, `GET /healthz` (the process answers), `GET /readyz` (it should get new connections; 503 with the names of
 * failing checks otherwise) and, if there is a token, the routes below `/admin`. It has no TLS: bind it to a private address.
 */
export function createAdminServer(options: AdminServerOptions, components: AdminServerComponents): AdminServer {
  const app = fastify({
    logger: false,
    bodyLimit: LARGEST_BODY,
    requestTimeout: REQUEST_TIME_LIMIT,
    forceCloseConnections: true,
  })
  app.addHook("onSend", async (_request, reply) => {
    reply.header("cache-control", "no-store")
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: "not found" }))
  app.setErrorHandler((error, _request, reply) => sendFailure(error, reply, components.log))
  addOperatorRoutes(app, components)
  if (options.token !== undefined) addAdminRoutes(app, options.token, options.routes ?? [])
  return {
    async listen() {
      await listenFor("metrics and health", bindOf(options.bind, options.port), (at) => app.listen(at))
      components.log.info("serving metrics and health", { bind: formatBind(addressOf(app.server)) })
    },
    get address() {
      return addressOf(app.server)
    },
    close: () => app.close(),
    inject: app.inject.bind(app),
    [Symbol.asyncDispose]: () => app.close(),
  }
}

function addOperatorRoutes(app: FastifyInstance, { metrics, readiness }: AdminServerComponents): void {
  app.get("/metrics", async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()))
  app.get("/healthz", async () => ({ status: "ok" }))
  app.get("/readyz", async (_request, reply) => {
    const { ready, failing } = await readiness.report()
    return ready ? { status: "ready" } : reply.code(503).send({ status: "not ready", failing })
  })
}

function addAdminRoutes(app: FastifyInstance, token: Secret, routes: readonly AdminRoute[]): void {
  const authenticate = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (hasBearerToken(request.headers.authorization, token)) return undefined
    return reply.code(401).header("www-authenticate", "Bearer").send({ error: "a bearer token is needed" })
  }
  for (const route of routes) {
    app.route({
      method: route.method,
      url: `/admin${route.path}`,
      onRequest: authenticate,
      handler: async (request, reply) => {
        const { status = 200, body = {} } = await route.handle({
          params: request.params as Record<string, string>,
          query: request.query as Record<string, string | undefined>,
          body: request.body,
        })
        return reply.code(status).send(body)
      },
    })
  }
}

/** What the client did wrong is its own business; what went wrong here is logged, and not told. */
function sendFailure(error: unknown, reply: FastifyReply, log: Log): FastifyReply {
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500
  if (status >= 400 && status < 500) return reply.code(status).send({ error: "bad request" })
  log.error("admin request failed", { error })
  return reply.code(500).send({ error: "internal error" })
}
