import type { P256PrivateKey } from "@sluice/crypto/native/p256"
import { type Clock, systemClock } from "@sluice/ops/clock"
import type { AnswerListener } from "./answer-listener.ts"
import { outcomeOfProblem } from "./http2-outcome.ts"
import type { PushNotification, PushOutcome, PushProvider, PushTarget } from "./provider.ts"
import { PublicHttps, type PublicHttpsOptions, RefusedHostError } from "./public-https.ts"
import { Vapid } from "./vapid.ts"
import { webPushOutcome } from "./web-push-answer.ts"
import { encryptWebPush } from "./web-push-encryption.ts"
import { WEB_PUSH_PADDED, webPushPayload } from "./web-push-payload.ts"

/** How push services of the Web Push protocol are used. */
export interface WebPushOptions extends PublicHttpsOptions {
  /** Key of this server for VAPID. */
  readonly privateKey: P256PrivateKey
  /** `mailto:` or `https:` URL at which a push service reaches the operator. */
  readonly subject: string
  readonly onAnswer?: AnswerListener | undefined
}

const BAD_TOKEN: PushOutcome = { outcome: "token-invalid", reason: "BAD" }

/** Web Push (RFC 8030, 8291, 8292), which UnifiedPush distributors speak, too: to whatever service a device has chosen. */
export class WebPushProvider implements PushProvider {
  readonly #https: PublicHttps
  readonly #vapid: Vapid
  readonly #clock: Clock
  readonly #onAnswer: AnswerListener | undefined

  constructor(options: WebPushOptions) {
    const { privateKey, subject, clock = systemClock } = options
    this.#https = new PublicHttps(options)
    this.#vapid = new Vapid({ privateKey, subject, clock })
    this.#clock = clock
    this.#onAnswer = options.onAnswer
  }

  /** Public key as devices need it to subscribe (`applicationServerKey`): base64url of 65 bytes. */
  get publicKey(): string {
    return this.#vapid.publicKey
  }

  async deliver(target: PushTarget, notification: PushNotification, signal: AbortSignal): Promise<PushOutcome> {
    if (target.kind !== "web-push") return { outcome: "failed", cause: "refused" }
    const url = endpointOf(target.endpoint)
    if (url === undefined) return BAD_TOKEN
    const { kind } = notification
    const content = kind === "check-messages" ? undefined : notification.seal(WEB_PUSH_PADDED)
    const { headers, text } = webPushPayload(kind, content)
    const body = encryptWebPush(text, target)
    if (body === undefined) return BAD_TOKEN
    const all = {
      authorization: this.#vapid.authorization(url.origin),
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
      ...headers,
    }
    try {
      const { status, retryAfter } = await this.#https.post(url, all, body, signal)
      this.#onAnswer?.(status, "")
      const outcome = webPushOutcome(status, retryAfter, this.#clock.now())
      if (outcome.outcome === "retry" && outcome.cause === "credentials") this.#vapid.refused(url.origin)
      return outcome
    } catch (error) {
      if (error instanceof RefusedHostError) return { outcome: "failed", cause: "refused" }
      return outcomeOfProblem(error)
    }
  }

  close(): Promise<void> {
    return this.#https.close()
  }
}

function endpointOf(text: string): URL | undefined {
  const url = URL.parse(text)
  return url?.protocol === "https:" && url.username === "" && url.password === "" ? url : undefined
}
