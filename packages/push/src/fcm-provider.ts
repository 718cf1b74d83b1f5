import { type Clock, systemClock } from "@sluice/ops/clock"
import { AccessToken } from "./access-token.ts"
import { type AnswerListener, shownReason } from "./answer-listener.ts"
import { fcmCode, fcmOutcome } from "./fcm-answer.ts"
import { FCM_PADDED, fcmPayload } from "./fcm-payload.ts"
import { Http2Client, type Http2ClientOptions } from "./http2-client.ts"
import { outcomeOfProblem } from "./http2-outcome.ts"
import type { PushNotification, PushOutcome, PushProvider, PushTarget } from "./provider.ts"
import type { ServiceAccount } from "./service-account.ts"

/** Where Google takes messages. */
export const FCM_ORIGIN = "https://fcm.googleapis.com"

/** How FCM is used. */
export interface FcmOptions extends Http2ClientOptions {
  readonly account: ServiceAccount
  readonly onAnswer?: AnswerListener | undefined
}

/** Google's push service for Android (notifications.md §8), its HTTP v1 interface. */
export class FcmProvider implements PushProvider {
  readonly #client: Http2Client
  readonly #access: AccessToken
  readonly #clock: Clock
  readonly #path: string
  readonly #onAnswer: AnswerListener | undefined

  constructor(options: FcmOptions) {
    const { account, clock = systemClock } = options
    this.#client = new Http2Client(options)
    this.#access = new AccessToken(account, { ...options, clock })
    this.#clock = clock
    this.#onAnswer = options.onAnswer
    this.#path = `/v1/projects/${encodeURIComponent(account.projectId)}/messages:send`
  }

  async deliver(target: PushTarget, notification: PushNotification, signal: AbortSignal): Promise<PushOutcome> {
    if (target.kind !== "fcm") return { outcome: "failed", cause: "refused" }
    if (signal.aborted) return { outcome: "failed", cause: "unavailable" }
    const access = await this.#access.get()
    if ("outcome" in access) return access.outcome
    const { kind } = notification
    const content = kind === "check-messages" ? undefined : notification.seal(FCM_PADDED)
    const request = {
      method: "POST",
      path: this.#path,
      headers: { authorization: `Bearer ${access.token}`, "content-type": "application/json" },
      body: fcmPayload(target.token, kind, content),
    } as const
    try {
      const { status, headers, body, connection } = await this.#client.request(request, signal)
      this.#onAnswer?.(status, shownReason(fcmCode(body)))
      const outcome = fcmOutcome(status, body, headers["retry-after"], this.#clock.now())
      if (outcome.outcome === "retry") {
        if (outcome.cause === "credentials") this.#access.refused(access.token)
        if (outcome.cause === "unavailable") this.#client.renew(connection)
      }
      return outcome
    } catch (error) {
      return outcomeOfProblem(error)
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#client.close(), this.#access.close()])
  }
}
