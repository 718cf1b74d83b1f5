import type { JwsKey } from "@sluice/crypto/native/jws"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { type AnswerListener, shownReason } from "./answer-listener.ts"
import { apnsOutcome, apnsReason } from "./apns-answer.ts"
import { apnsPayload } from "./apns-payload.ts"
import { Http2Client, type Http2ClientOptions } from "./http2-client.ts"
import { outcomeOfProblem } from "./http2-outcome.ts"
import type { PushNotification, PushOutcome, PushProvider, PushTarget } from "./provider.ts"
import { ProviderToken } from "./provider-token.ts"

/** Where Apple takes pushes for apps from the App Store and TestFlight, and for those from a developer's machine. */
export const APNS_ORIGIN = {
  production: "https://api.push.apple.com",
  sandbox: "https://api.sandbox.push.apple.com",
} as const

/** How one of Apple's services is used. */
export interface ApnsOptions extends Http2ClientOptions {
  /** Key of P-256 from the `.p8` file. */
  readonly key: JwsKey
  readonly keyId: string
  readonly teamId: string
  /** Bundle ID of the app. */
  readonly topic: string
  /** Length that contents are padded to, in bytes; default 3072 as the reference has it. */
  readonly paddedLength?: number
  readonly onAnswer?: AnswerListener | undefined
}

/** The reference's padded length, and the one after a refusal for size: the largest body is then below 4096 bytes. */
const PADDED = 3072
const SMALLER = 2880

/** Apple's push service (notifications.md §6). */
export class ApnsProvider implements PushProvider {
  readonly #client: Http2Client
  readonly #token: ProviderToken
  readonly #topic: string
  readonly #onAnswer: AnswerListener | undefined
  #paddedLength: number

  constructor(options: ApnsOptions) {
    const { key, keyId, teamId, topic, paddedLength = PADDED, clock = systemClock } = options
    this.#client = new Http2Client(options)
    this.#token = new ProviderToken({ key, keyId, teamId, clock: clock satisfies Clock })
    this.#topic = topic
    this.#onAnswer = options.onAnswer
    this.#paddedLength = paddedLength
  }

  async deliver(target: PushTarget, notification: PushNotification, signal: AbortSignal): Promise<PushOutcome> {
    if (target.kind !== "apns") return { outcome: "failed", cause: "refused" }
    const { kind } = notification
    const paddedLength = this.#paddedLength
    const content = kind === "check-messages" ? undefined : notification.seal(paddedLength)
    const { headers, body } = apnsPayload(kind, content)
    const token = this.#token.get()
    const request = {
      method: "POST",
      path: `/3/device/${encodeURIComponent(target.token)}`,
      headers: { authorization: `bearer ${token}`, "apns-topic": this.#topic, ...headers },
      body,
    } as const
    try {
      const answer = await this.#client.request(request, signal)
      this.#onAnswer?.(answer.status, shownReason(apnsReason(answer.body)))
      const outcome = apnsOutcome(answer.status, answer.body)
      if (outcome.outcome !== "retry") return outcome
      if (outcome.cause === "credentials") this.#token.expired(token)
      if (outcome.cause === "unavailable") this.#client.renew(answer.connection)
      return outcome.cause === "too-large" ? this.#shrink(paddedLength) : outcome
    } catch (error) {
      return outcomeOfProblem(error)
    }
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  /** Connections opened so far. */
  get connections(): number {
    return this.#client.connections
  }

  #shrink(tried: number): PushOutcome {
    if (tried <= SMALLER) return { outcome: "failed", cause: "payload" }
    this.#paddedLength = Math.min(this.#paddedLength, SMALLER)
    return { outcome: "retry", cause: "too-large", afterMs: 0 }
  }
}
