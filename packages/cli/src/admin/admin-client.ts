import { request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import { OperatorError, quoteValue } from "@sluice/ops/operator-error"
import { CommandFailure } from "../failure.ts"
import { type GlobalOptions, loadSettings, type Place, placeOf, type Settings } from "../place.ts"
import { readRunRecord } from "../run-record.ts"

/** Options of every `sluice admin` command. */
export interface AdminOptions extends GlobalOptions {
  /** Where the relay serves administrators; default the relay of the data folder. */
  readonly url?: string | undefined
  readonly json?: true
}

/** Longest answer that is read, bytes. */
const LONGEST_ANSWER = 1024 * 1024

/**
 * Asks a running relay as its administrator, with the token of the configuration. Gives the body of a good answer; a
 * refusal is a {@link CommandFailure} with the relay's words.
 */
export async function askAdmin(
  options: AdminOptions,
  method: "GET" | "POST",
  path: string,
  body?: object,
): Promise<Readonly<Record<string, unknown>>> {
  const place = placeOf(options)
  const settings = loadSettings(place)
  const token = settings.config.admin.token
  if (token === undefined) {
    throw new OperatorError(
      "admin.token is not set: the relay serves administrators only with one; set it, or SLUICE_ADMIN_TOKEN_FILE, and restart the relay",
    )
  }
  const base = options.url === undefined ? await localUrl(place, settings) : checkedUrl(options.url)
  const answer = await exchange(new URL(`admin${path}`, base), method, token.reveal(), body)
  if (answer.status >= 200 && answer.status < 300) return answer.body
  throw new CommandFailure(reasonOf(base, answer))
}

/** The admin server of the relay in the data folder: of the one that runs, or where it would be. */
async function localUrl(place: Place, { config }: Settings): Promise<URL> {
  const port = (await readRunRecord(place))?.adminPort ?? config.admin.port
  if (port === 0)
    throw new OperatorError("admin.port is 0, which takes a free port at each start: start the relay first")
  const { bind } = config.admin
  const host = bind === "*" || bind === "0.0.0.0" || bind === "::" ? "127.0.0.1" : bind
  return new URL(`http://${host.includes(":") ? `[${host}]` : host}:${port}/`)
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "") {
    throw new OperatorError(`--url: ${quoteValue(text)} is not allowed; allowed: http://host:port`)
  }
  return new URL(url.pathname.endsWith("/") ? url : `${url}/`)
}

interface AdminAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

function exchange(url: URL, method: string, token: string, body: object | undefined): Promise<AdminAnswer> {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    authorization: `Bearer ${token}`,
    ...(payload !== undefined && {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(payload)),
    }),
  }
  const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer>()
  const failed = (error: NodeJS.ErrnoException): void => {
    const why =
      error.code === "ECONNREFUSED" ? "nothing listens there, is the relay running?" : (error.code ?? "failed")
    reject(new CommandFailure(`${url.origin}: ${why}`, { cause: error }))
  }
  const send = url.protocol === "https:" ? httpsRequest : httpRequest
  // A snapshot takes as long as it takes, so there is no time limit.
  const request = send(url, { method, headers, agent: false }, (response) => {
    const chunks: Uint8Array[] = []
    let length = 0
    response.on("data", (chunk: Uint8Array) => {
      length += chunk.length
      chunks.push(chunk)
      if (length > LONGEST_ANSWER) response.destroy(new Error("the answer is too long"))
    })
    response.on("error", failed)
    response.on("end", () => {
      resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString("utf8")) })
    })
  })
  request.on("error", failed).end(payload)
  return promise
}

/** Whatever is no JSON object says nothing. */
function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

function reasonOf({ origin }: URL, { status, body }: AdminAnswer): string {
  const { error } = body
  if (status === 401) return `${origin}: the relay has another token than the configuration here`
  if (status === 404 && error === "not found") {
    return `${origin}: no administration there: the relay was started without admin.token, or it is no relay`
  }
  return typeof error === "string" ? error : `${origin}: the relay answered HTTP ${status}`
}
