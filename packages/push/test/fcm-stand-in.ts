import { createPublicKey, generateKeyPairSync, randomBytes, verify } from "node:crypto"
import { type Answer, type ReceivedRequest, type Responder, StandIn, type StandInOptions } from "./stand-in.ts"

/** A message to a device. */
export interface FcmPush extends ReceivedRequest {
  readonly deviceToken: string
  readonly data: Readonly<Record<string, string>>
  readonly android: { readonly priority?: string; readonly ttl?: string; readonly collapse_key?: string }
}

/** What an application asked the token endpoint with. */
export interface TokenRequest {
  readonly header: Record<string, unknown>
  readonly claims: Record<string, unknown>
}

const PROJECT = "sluice-test"
const SEND = `/v1/projects/${PROJECT}/messages:send`

/** An error in the form of Google's interfaces; `code` is the one of FCM in the details, if there is one. */
export function fcmRefusal(
  status: number,
  rpcStatus: string,
  options: { readonly code?: string; readonly badField?: string; readonly retryAfter?: string } = {},
): Answer {
  const { code, badField, retryAfter } = options
  const type = (name: string): string => `type.googleapis.com/google.${name}`
  const details = [
    ...(code === undefined ? [] : [{ "@type": type("firebase.fcm.v1.FcmError"), errorCode: code }]),
    ...(badField === undefined
      ? []
      : [{ "@type": type("rpc.BadRequest"), fieldViolations: [{ field: badField, description: "not valid" }] }]),
  ]
  return {
    status,
    body: { error: { code: status, message: "refused", status: rpcStatus, details } },
    ...(retryAfter !== undefined && { headers: { "retry-after": retryAfter } }),
  }
}

let madeOnce: { readonly publicKey: string; readonly privateKey: string } | undefined

/** Making a key of RSA takes long, so all stand-ins of a process share one. */
function accountKeys(): { readonly publicKey: string; readonly privateKey: string } {
  madeOnce ??= generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  })
  return madeOnce
}

/** Stands for FCM: an OAuth2 token endpoint that checks the signed request, and the endpoint that takes messages. */
export class FcmStandIn extends StandIn<FcmPush> {
  /** What applications asked for access tokens with. */
  readonly tokenRequests: TokenRequest[] = []
  /** What the token endpoint answers next in place of a token, one for each request. */
  readonly tokenAnswers: Answer[] = []
  /** Life of access tokens in seconds. */
  tokenLife = 3599
  readonly #privateKey: string
  readonly #valid: Set<string>

  constructor(options: StandInOptions = {}) {
    const { privateKey, publicKey: key } = accountKeys()
    const valid = new Set<string>()
    const accepted: Responder<FcmPush> = () => ({ status: 200, body: { name: `projects/${PROJECT}/messages/1` } })
    super(
      (request) => (request.path === "/token" ? this.#token(request, key) : read(request, valid)),
      accepted,
      options,
    )
    this.#valid = valid
    this.#privateKey = privateKey
  }

  /** Text of the file that Google gives for a service account. */
  get serviceAccount(): string {
    return JSON.stringify({
      type: "service_account",
      project_id: PROJECT,
      private_key_id: "key1",
      private_key: this.#privateKey,
      client_email: "push@sluice-test.example",
      token_uri: `${this.origin}/token`,
    })
  }

  /** Makes all access tokens given out so far invalid. */
  revokeTokens(): void {
    this.#valid.clear()
  }

  #token(request: ReceivedRequest, key: string): Answer {
    const form = new URLSearchParams(Buffer.from(request.body).toString())
    const [header = "", claims = "", signature = ""] = (form.get("assertion") ?? "").split(".")
    const signed = Buffer.from(`${header}.${claims}`)
    const grant = form.get("grant_type") === "urn:ietf:params:oauth:grant-type:jwt-bearer"
    if (!grant || !verify("sha256", signed, createPublicKey(key), Buffer.from(signature, "base64url"))) {
      return { status: 400, body: { error: "invalid_grant", error_description: "Invalid JWT Signature." } }
    }
    const json = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString()) as Record<string, unknown>
    this.tokenRequests.push({ header: json(header), claims: json(claims) })
    const answer = this.tokenAnswers.shift()
    if (answer !== undefined) return answer
    const token = randomBytes(24).toString("base64url")
    this.#valid.add(token)
    return { status: 200, body: { access_token: token, expires_in: this.tokenLife, token_type: "Bearer" } }
  }
}

function read(request: ReceivedRequest, valid: ReadonlySet<string>): FcmPush | Answer {
  if (request.method !== "POST" || request.path !== SEND) return fcmRefusal(404, "NOT_FOUND")
  const bearer = /^Bearer (.+)$/.exec(request.headers["authorization"] ?? "")?.[1] ?? ""
  if (!valid.has(bearer)) return fcmRefusal(401, "UNAUTHENTICATED")
  const { message = {} } = JSON.parse(Buffer.from(request.body).toString()) as { message?: Record<string, unknown> }
  const { token, data, android, ...others } = message
  const bad = Object.keys(others)[0] ?? wrongData(data)
  if (bad !== undefined) return fcmRefusal(400, "INVALID_ARGUMENT", { badField: bad })
  if (typeof token !== "string" || token === "")
    return fcmRefusal(400, "INVALID_ARGUMENT", { code: "INVALID_ARGUMENT" })
  return {
    ...request,
    deviceToken: token,
    data: data as FcmPush["data"],
    android: (android ?? {}) as FcmPush["android"],
  }
}

/** What is wrong with the data: values are texts, keys and values together have 4096 bytes, some names are reserved. */
function wrongData(data: unknown): string | undefined {
  const entries = Object.entries((data ?? {}) as Record<string, unknown>)
  const reserved = entries.find(([name]) => /^(from|message_type|google.*|gcm.*)$/.test(name))
  if (reserved !== undefined || entries.some(([, value]) => typeof value !== "string")) return "message.data"
  const bytes = entries.reduce((total, [name, value]) => total + name.length + String(value).length, 0)
  return bytes > 4096 ? "message.data" : undefined
}
