import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto"
import { type Answer, type ReceivedRequest, StandIn, type StandInOptions } from "./stand-in.ts"

/** What the one object `notificationData` of a push holds, base64url with padding. */
export interface NotificationData {
  readonly nonce?: string
  readonly verification?: string
  readonly message?: string
  readonly checkMessages?: boolean
}

/** A push to a device. */
export interface ApnsPush extends ReceivedRequest {
  readonly deviceToken: string
  readonly data: NotificationData
  /** Of the provider's token. */
  readonly jwt: { readonly header: Record<string, unknown>; readonly claims: Record<string, unknown> }
}

/** Answers as Apple puts them. */
export function apnsRefusal(status: number, reason: string): Answer {
  return { status, body: { reason } }
}

const PATH = /^\/3\/device\/([^/]+)$/

/**
 * Stands for Apple's service: checks the provider's token (signature in the standard's form, key, age), topic and shape of
 * the push as the service would, and keeps what passes.
 */
export class ApnsStandIn extends StandIn<ApnsPush> {
  /** Settings of a provider that this service knows. */
  readonly credentials: {
    readonly key: string
    readonly keyId: string
    readonly teamId: string
    readonly topic: string
  }

  constructor(options: StandInOptions = {}) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
    super(
      (request) => read(request, publicKey),
      () => ({ status: 200, headers: { "apns-id": "stand-in" } }),
      options,
    )
    this.credentials = {
      key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      keyId: "KEYID12345",
      teamId: "TEAMID1234",
      topic: "chat.simplex.app",
    }
  }
}

function read(request: ReceivedRequest, key: KeyObject): ApnsPush | Answer {
  const deviceToken = PATH.exec(request.path)?.[1]
  if (request.method !== "POST" || deviceToken === undefined) return apnsRefusal(404, "BadPath")
  const jwt = checkJwt(request.headers["authorization"] ?? "", key)
  if (jwt === undefined) return apnsRefusal(403, "InvalidProviderToken")
  if (request.headers["apns-topic"] !== "chat.simplex.app") return apnsRefusal(400, "BadTopic")
  const data = readPayload(request)
  if (data === undefined) return apnsRefusal(400, "bad_request_body")
  return { ...request, deviceToken: decodeURIComponent(deviceToken), data, jwt }
}

function checkJwt(authorization: string, key: KeyObject): ApnsPush["jwt"] | undefined {
  const [header = "", claims = "", signature = ""] = authorization.replace(/^bearer /, "").split(".")
  const signed = Buffer.from(`${header}.${claims}`)
  const options = {
    key: createPublicKey(key.export({ type: "spki", format: "pem" })),
    dsaEncoding: "ieee-p1363",
  } as const
  if (!verify("sha256", signed, options, Buffer.from(signature, "base64url"))) return undefined
  const json = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString()) as Record<string, unknown>
  return { header: json(header), claims: json(claims) }
}

/** The three shapes that the iOS app knows (notifications.md §6.2), with the headers that go with each. */
function readPayload({ body, headers }: ReceivedRequest): NotificationData | undefined {
  const { aps, notificationData: data, ...others } = parse(body)
  const background = JSON.stringify(aps) === '{"content-available":1}'
  const alert =
    JSON.stringify(aps) ===
    '{"mutable-content":1,"alert":"Encrypted message or another app event","category":"NTF_CAT_CHECK_MESSAGE"}'
  if (Object.keys(others).length > 0 || data === undefined) return undefined
  const names = Object.keys(data).toSorted().join()
  const type = `${headers["apns-push-type"]} ${headers["apns-priority"] ?? "-"}`
  if (alert) return names === "message,nonce" && type === "alert -" ? data : undefined
  const known = names === "nonce,verification" || (names === "checkMessages" && data.checkMessages === true)
  return background && known && type === "background 5" ? data : undefined
}

function parse(body: Uint8Array): { aps?: unknown; notificationData?: NotificationData } {
  try {
    return JSON.parse(Buffer.from(body).toString())
  } catch {
    return {}
  }
}
