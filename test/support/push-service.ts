import { generateKeyPairSync } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { utf8 } from "@sluice/encoding/bytes"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import { encodeWebPushToken } from "@sluice/ntf-protocol/web-push-token"
import type { PushKind, SealedContent } from "@sluice/push/provider"
import { ApnsStandIn, apnsRefusal } from "../../packages/push/test/apns-stand-in.ts"
import { FcmStandIn, fcmRefusal } from "../../packages/push/test/fcm-stand-in.ts"
import type { Answer, ReceivedRequest, StandIn } from "../../packages/push/test/stand-in.ts"
import { WebPushStandIn, type WebPushSubscription } from "../../packages/push/test/web-push-stand-in.ts"

export type PushServiceName = "APNs" | "FCM" | "Web Push"

/** All of them, for suites that run with each. */
export const PUSH_SERVICES: readonly PushServiceName[] = ["APNs", "FCM", "Web Push"]

/** What a service says of a push that it does not take, in its own words. */
export type Refusal =
  /** The device is gone. */
  | "unregistered"
  /** Our credentials are wrong, or expired. */
  | "configuration"
  | "credentials"
  | "payload"
  | "too-large"
  /** Too many pushes, or too much to do; a second attempt is welcome at once (after a second for APNs). */
  | "limited"
  | "unavailable"

/** Settings of a notification server, by key. */
export type Settings = Readonly<Record<string, unknown>>

/** A push as its device gets it from the service. */
export interface ArrivedPush {
  readonly kind: PushKind
  /** The name that {@link PushService.token} made its token of. */
  readonly device: string
  /** Absent for `check-messages`. */
  readonly content: SealedContent | undefined
  /** `performance.now()` when the service had it. */
  readonly at: number
  /** Bytes of the request. */
  readonly size: number
  /** Number of the connection that it came by, from 1 in the order of their opening. */
  readonly connection: number
}

/** What the next push is answered with: a refusal in words of the service, its bare answer, or one that takes its time. */
export type PushAnswer = Refusal | Answer | (() => Promise<Answer>)

/** A push service for tests: an HTTPS server (HTTP/2) with a certificate authority of its own that stands in for the real one. */
export interface PushService extends AsyncDisposable {
  readonly name: PushServiceName
  /** Every push that arrived, whatever was answered. */
  readonly received: readonly ArrivedPush[]
  /** Pushes that {@link next} has not given out. */
  readonly pending: number
  /** The next push that was not given out yet, waiting for it if need be. */
  next(): Promise<ArrivedPush>
  /** The token of a device; the same one each time. */
  token(device: string): DeviceToken
  /** What makes a server push here, with credentials and trust in this certificate authority; files are in its data folder. */
  settingsIn(dataFolder: string): Promise<Settings>
  /** Answers the next pushes with these, one each; all others are taken. */
  answerNext(...answers: readonly PushAnswer[]): void
  /** Says by GOAWAY that it takes nothing more on its present connections; what was begun is answered. */
  goAway(): void
  /** Nobody listens any more, until the result is called: then at the same place. */
  leave(): Promise<() => Promise<void>>
  /** How long the service thinks about each push that it takes, in milliseconds. */
  delay: number
}

/** A new service that listens on a free port. */
export async function startPushService(name: PushServiceName): Promise<PushService> {
  switch (name) {
    case "APNs":
      return new Service(name, apns(await new ApnsStandIn().start()))
    case "FCM":
      return new Service(name, fcm(await new FcmStandIn().start()))
    case "Web Push":
      return new Service(name, webPush(await new WebPushStandIn().start()))
  }
}

/** The fields that all services bring to a device. */
interface PushData {
  readonly nonce?: string
  readonly verification?: string
  readonly message?: string
}

/** In what the services differ. */
interface Flavor<R extends ReceivedRequest> {
  readonly standIn: StandIn<R>
  readonly refusals: Readonly<Record<Refusal, Answer>>
  token(device: string): DeviceToken
  read(request: R): { readonly device: string; readonly data: PushData }
  settings(caFile: string): Settings
}

class Service<R extends ReceivedRequest> implements PushService {
  readonly name: PushServiceName
  delay = 0
  readonly #flavor: Flavor<R>
  /** So that a push is the same object each time. */
  readonly #arrived = new WeakMap<R, ArrivedPush>()

  constructor(name: PushServiceName, flavor: Flavor<R>) {
    this.name = name
    this.#flavor = flavor
    const { standIn } = flavor
    const { responder } = standIn
    standIn.responder = async (request) => {
      if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay))
      return responder(request)
    }
  }

  get received(): readonly ArrivedPush[] {
    return this.#flavor.standIn.received.map((request) => this.#read(request))
  }

  get pending(): number {
    return this.#flavor.standIn.pending
  }

  async next(): Promise<ArrivedPush> {
    return this.#read(await this.#flavor.standIn.next())
  }

  token(device: string): DeviceToken {
    return this.#flavor.token(device)
  }

  async settingsIn(dataFolder: string): Promise<Settings> {
    const file = `${this.name.toLowerCase().replace(" ", "-")}-ca.pem`
    await writeFile(join(dataFolder, file), this.#flavor.standIn.ca)
    return this.#flavor.settings(file)
  }

  answerNext(...answers: readonly PushAnswer[]): void {
    const { standIn, refusals } = this.#flavor
    standIn.answerNext(...answers.map((answer) => (isRefusal(answer, refusals) ? refusals[answer] : answer)))
  }

  goAway(): void {
    this.#flavor.standIn.goAway()
  }

  async leave(): Promise<() => Promise<void>> {
    const { standIn } = this.#flavor
    const { port } = standIn
    await standIn.stop()
    return async () => {
      await standIn.start(port)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#flavor.standIn.stop()
  }

  #read(request: R): ArrivedPush {
    const known = this.#arrived.get(request)
    if (known !== undefined) return known
    const { device, data } = this.#flavor.read(request)
    const push = {
      ...contentOf(data),
      device,
      at: request.at,
      size: request.body.length,
      connection: request.connection,
    }
    this.#arrived.set(request, push)
    return push
  }
}

function isRefusal(answer: PushAnswer, refusals: Readonly<Record<Refusal, Answer>>): answer is Refusal {
  return typeof answer === "string" && Object.hasOwn(refusals, answer)
}

function contentOf({ nonce, verification, message }: PushData): Pick<ArrivedPush, "kind" | "content"> {
  const ciphertext = verification ?? message
  if (nonce === undefined || ciphertext === undefined) return { kind: "check-messages", content: undefined }
  const content = { nonce: decodeBase64Url(nonce), ciphertext: decodeBase64Url(ciphertext) }
  return { kind: verification === undefined ? "message" : "verification", content }
}

function apns(standIn: ApnsStandIn): Flavor<Awaited<ReturnType<ApnsStandIn["next"]>>> {
  const { key, keyId, teamId, topic } = standIn.credentials
  return {
    standIn,
    refusals: {
      unregistered: apnsRefusal(410, "Unregistered"),
      configuration: apnsRefusal(403, "InvalidProviderToken"),
      credentials: apnsRefusal(403, "ExpiredProviderToken"),
      payload: apnsRefusal(400, "PayloadEmpty"),
      "too-large": apnsRefusal(413, "PayloadTooLarge"),
      limited: apnsRefusal(429, "TooManyRequests"),
      unavailable: apnsRefusal(503, "Shutdown"),
    },
    token: (device) => ({ provider: "AT", token: utf8(device) }),
    read: ({ deviceToken, data }) => ({ device: deviceToken, data }),
    settings: (ca) => ({
      ...{ "push.apns.key": key, "push.apns.key_id": keyId, "push.apns.team_id": teamId, "push.apns.topic": topic },
      "push.apns.ca": ca,
      "push.apns.test_url": standIn.origin,
      // A test that takes another tag does not trouble Apple.
      "push.apns.production_url": standIn.origin,
      "push.apns.sandbox_url": standIn.origin,
    }),
  }
}

function fcm(standIn: FcmStandIn): Flavor<Awaited<ReturnType<FcmStandIn["next"]>>> {
  return {
    standIn,
    refusals: {
      unregistered: fcmRefusal(404, "NOT_FOUND", { code: "UNREGISTERED" }),
      configuration: fcmRefusal(403, "PERMISSION_DENIED"),
      credentials: fcmRefusal(401, "UNAUTHENTICATED"),
      payload: fcmRefusal(400, "INVALID_ARGUMENT", { badField: "message.data" }),
      "too-large": { status: 413 },
      limited: fcmRefusal(429, "RESOURCE_EXHAUSTED", { code: "QUOTA_EXCEEDED", retryAfter: "0" }),
      unavailable: fcmRefusal(503, "UNAVAILABLE", { retryAfter: "0" }),
    },
    token: (device) => ({ provider: "FT", token: utf8(device) }),
    read: ({ deviceToken, data }) => ({ device: deviceToken, data }),
    settings: (ca) => ({
      "push.fcm.service_account": standIn.serviceAccount,
      "push.fcm.ca": ca,
      "push.fcm.test_url": standIn.origin,
      "push.fcm.url": standIn.origin,
    }),
  }
}

function webPush(standIn: WebPushStandIn): Flavor<Awaited<ReturnType<WebPushStandIn["next"]>>> {
  const subscriptions = new Map<string, WebPushSubscription>()
  const names = new Map<string, string>()
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
  return {
    standIn,
    refusals: {
      unregistered: { status: 410 },
      configuration: { status: 403 },
      credentials: { status: 401 },
      payload: { status: 400 },
      "too-large": { status: 413 },
      limited: { status: 429, headers: { "retry-after": "0" } },
      unavailable: { status: 503, headers: { "retry-after": "0" } },
    },
    token(device) {
      const subscription = subscriptions.get(device) ?? standIn.subscribe()
      subscriptions.set(device, subscription)
      names.set(subscription.endpoint, device)
      return { provider: "UT", token: encodeWebPushToken(subscription) }
    },
    read: ({ subscription, text }) => ({ device: names.get(subscription.endpoint) ?? "", data: JSON.parse(text) }),
    settings: (ca) => ({
      "push.web.key": privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      "push.web.subject": "mailto:operator@example.org",
      "push.web.ca": ca,
      "push.web.test": true,
    }),
  }
}
