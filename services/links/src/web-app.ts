import {
  createServer as createHttp,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http"
import { createServer as createHttpsServer } from "node:https"
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { DecodeError } from "@sluice/encoding/errors"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import { formatNetwork } from "@sluice/ops/network"
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify"
import type { LinksConfig } from "./config.ts"
import { LINK_ANSWER_TYPE } from "./link-answer.ts"
import type { LinksMetrics, PageKind } from "./metrics.ts"
import type { ClientLimit } from "./resolver/client-limit.ts"
import { ResolveError, type ResolveProblem, STATUS } from "./resolver/problem.ts"
import { LINK_ID_BYTES, type Resolver } from "./resolver/resolver.ts"
import { HSTS, SECURITY_HEADERS } from "./security-headers.ts"
import type { Site, TranslatedPage } from "./site.ts"
import { encoded, encodingFor, type StaticFile } from "./static-files.ts"
import { chooseLanguage } from "./texts/languages.ts"

/** What requests are answered from. */
export interface WebParts {
  readonly site: Site
  /** None where previews are off. */
  readonly resolver: Resolver | undefined
  readonly clients: ClientLimit
  /** Where connections come from that another server handed over, by their sockets. */
  readonly sources: WeakMap<object, string>
  readonly metrics: LinksMetrics
  readonly clock: Clock
  readonly log: Log
}

/** Certificate and key in PEM. */
export interface WebCertificate {
  readonly cert: Buffer
  readonly key: Buffer
}

const MAX_HEADER_BYTES = 8 * 1024
/** Nothing here takes a body. */
const MAX_BODY_BYTES = 1
const JSON_TYPE = "application/json; charset=utf-8"
const KEEP_ALIVE_MS = 10_000
const FOREVER = "public, max-age=31536000, immutable"
/** Pages change with a new version or setting only; browsers ask whether theirs is still the one. */
const ASK_AGAIN = "no-cache"
const RETRY_WHEN_BUSY_SECONDS = 2

/** The HTTP side: pages, files, and the data of links. It writes no log of requests, and sets no cookies. */
export function createWebApp(config: LinksConfig, parts: WebParts, certificate?: WebCertificate): FastifyInstance {
  const tls = certificate === undefined ? {} : { "strict-transport-security": HSTS }
  const headers = { ...SECURITY_HEADERS, ...tls }
  const app = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    trustProxy: config.trustedProxies.length === 0 ? false : config.trustedProxies.map(formatNetwork),
    routerOptions: { ignoreTrailingSlash: true },
    forceCloseConnections: "idle",
    serverFactory: (handler) => httpServer(config, certificate, handler),
    // Paths that cannot be read get past the hooks.
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack()
      reply.raw.writeHead(400, { ...headers, "content-type": JSON_TYPE }).end('{"error":"bad-request"}')
    },
  })
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers)
    if (!isForUs(config.hosts, request.hostname)) await reply.code(421).send({ error: "misdirected-request" })
  })
  addPages(app, parts)
  if (parts.resolver !== undefined) addPreviews(app, parts, parts.resolver)
  app.setErrorHandler((error, _request, reply) => sendFailure(error, reply, parts.log))
  return app
}

function httpServer(
  { maxConnections, requestTimeout, fetchTimeout }: LinksConfig,
  certificate: WebCertificate | undefined,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): HttpServer {
  const options = {
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout,
    headersTimeout: requestTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
  }
  const server =
    certificate === undefined
      ? createHttp(options, handler)
      : createHttpsServer({ ...options, ...certificate, minVersion: "TLSv1.2" }, handler)
  server.maxConnections = maxConnections
  // Whoever neither sends nor reads is gone; a look-up is the longest that a client has to wait in silence.
  server.timeout = requestTimeout + fetchTimeout
  return server
}

function isForUs(hosts: readonly string[], hostname: string): boolean {
  return hosts.length === 0 || hosts.some((host) => host.toLowerCase() === hostname.toLowerCase())
}

function addPages(app: FastifyInstance, { site, metrics }: WebParts): void {
  const count = (page: PageKind): void => {
    metrics.requests.with({ page }).value++
  }
  const page = (request: FastifyRequest, reply: FastifyReply, files: TranslatedPage): FastifyReply => {
    const { lang } = request.query as { readonly lang?: unknown }
    const chosen = typeof lang === "string" ? lang : undefined
    const { tag } = chooseLanguage(chosen, request.headers["accept-language"])
    reply.header("content-language", tag)
    return sendFile(request, reply, files.get(tag), ASK_AGAIN, "accept-encoding, accept-language")
  }
  for (const [path, files] of site.linkPages) {
    // Links to addresses are accepted in either case (short-links.md §10).
    for (const url of new Set([path, /^\/[acgr]$/.test(path) ? path.toUpperCase() : path])) {
      app.get(url, (request, reply) => {
        count("link")
        return page(request, reply, files)
      })
    }
  }
  app.get("/", (request, reply) => {
    count("server")
    return page(request, reply, site.serverPage)
  })
  for (const [path, file] of site.assets) {
    app.get(path, (request, reply) => {
      count("asset")
      return sendFile(request, reply, file, FOREVER, "accept-encoding")
    })
  }
  for (const [path, file] of site.associations) {
    app.get(path, (request, reply) => {
      count("association")
      return sendFile(request, reply, file, "public, max-age=3600", "accept-encoding")
    })
  }
  app.get("/robots.txt", (_request, reply) => {
    count("asset")
    return reply.type("text/plain; charset=utf-8").send("User-agent: *\nAllow: /$\nDisallow: /\n")
  })
  app.setNotFoundHandler((request, reply) => {
    count("missing")
    return page(request, reply.code(404), site.missingPage)
  })
}

function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: StaticFile | undefined,
  cacheControl: string,
  vary: string,
): FastifyReply {
  if (file === undefined) throw new Error("a page is missing in one language")
  reply.headers({ "cache-control": cacheControl, vary, etag: file.etag })
  if (reply.statusCode === 200 && request.headers["if-none-match"] === file.etag) return reply.code(304).send()
  const encoding = encodingFor(request.headers["accept-encoding"])
  if (encoding !== "identity") reply.header("content-encoding", encoding)
  return reply.type(file.type).send(encoded(file, encoding))
}

/** `GET /api/link/HOST/LINK-ID`: the only request that says anything about a link, and it says no more than its ID. */
function addPreviews(app: FastifyInstance, parts: WebParts, resolver: Resolver): void {
  const { clients, sources, metrics, clock, log } = parts
  const refuse = (reply: FastifyReply, problem: ResolveProblem, retryAfter?: number): FastifyReply => {
    metrics.previews.with({ outcome: problem }).value++
    if (retryAfter !== undefined) reply.header("retry-after", Math.ceil(retryAfter))
    return reply.code(STATUS[problem]).send({ error: problem })
  }
  app.get<{ Params: { host: string; linkId: string } }>("/api/link/:host/:linkId", async (request, reply) => {
    metrics.requests.with({ page: "preview" }).value++
    reply.header("cache-control", "no-store")
    const wait = clients.take(sources.get(request.raw.socket) ?? request.ip)
    if (wait > 0) return refuse(reply, "rate-limited", wait / 1000)
    const linkId = readLinkId(request.params.linkId)
    if (linkId === undefined) return refuse(reply, "bad-request")
    const begun = clock.monotonic()
    try {
      const { bytes, from } = await resolver.resolve(request.params.host, linkId)
      metrics.previews.with({ outcome: from }).value++
      metrics.previewSeconds.observe((clock.monotonic() - begun) / 1000)
      return reply.type(LINK_ANSWER_TYPE).send(bytes)
    } catch (error) {
      if (!(error instanceof ResolveError)) {
        metrics.previews.with({ outcome: "defect" }).value++
        throw error
      }
      if (error.problem === "relay-down") log.debug("a relay could not be reached", { error })
      return refuse(reply, error.problem, error.problem === "busy" ? RETRY_WHEN_BUSY_SECONDS : undefined)
    }
  })
}

function readLinkId(text: string): Uint8Array | undefined {
  try {
    const bytes = decodeBase64Url(text)
    return bytes.length === LINK_ID_BYTES ? bytes : undefined
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** What the client did wrong is its own business; what went wrong here is logged, and not told. */
function sendFailure(error: unknown, reply: FastifyReply, log: Log): FastifyReply {
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500
  if (status >= 400 && status < 500) return reply.code(status).send({ error: "bad-request" })
  log.error("a request failed, which is a defect of this program", { error })
  return reply.code(500).send({ error: "internal" })
}
