import { signJws } from "@sluice/crypto/native/jws"
import type { Clock } from "@sluice/ops/clock"
import { Http2Client, type Http2ClientOptions } from "./http2-client.ts"
import { outcomeOfProblem, retryAfterMs } from "./http2-outcome.ts"
import type { Http2Answer } from "./http2-session.ts"
import type { PushOutcome } from "./provider.ts"
import type { ServiceAccount } from "./service-account.ts"

/** Claimed and usual life of a token, in seconds, and how long before its end it is replaced, in milliseconds. */
const LIFE = 3_600
const EARLY = 300_000
const SERVER_PAUSE = 10_000
const SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

/** A token, or why there is none now. */
export type AccessTokenResult = { readonly token: string } | { readonly outcome: PushOutcome }

/**
 * Access tokens of a Google service account (RFC 7523): asked for with a signed statement, kept until shortly before their
 * end, one request at a time for all who wait.
 */
export class AccessToken {
  readonly #account: ServiceAccount
  readonly #clock: Clock
  readonly #client: Http2Client
  readonly #path: string
  #token: string | undefined
  #until = 0
  #asking: Promise<AccessTokenResult> | undefined

  constructor(account: ServiceAccount, options: Omit<Http2ClientOptions, "origin"> & { readonly clock: Clock }) {
    const { origin, pathname, search } = new URL(account.tokenUri)
    this.#account = account
    this.#clock = options.clock
    this.#client = new Http2Client({ ...options, origin })
    this.#path = pathname + search
  }

  /** The token to send now. */
  get(): Promise<AccessTokenResult> {
    if (this.#token !== undefined && this.#clock.monotonic() < this.#until) {
      return Promise.resolve({ token: this.#token })
    }
    // The answer serves all who wait, so that no single caller's signal ends the request.
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  /** Notes that this token was refused, so that the next one is new. One that is replaced already is ignored. */
  refused(token: string): void {
    if (token === this.#token) this.#token = undefined
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async #ask(): Promise<AccessTokenResult> {
    const { clientEmail, key, keyId, tokenUri } = this.#account
    const issued = Math.floor(this.#clock.now() / 1000)
    const claims = { iss: clientEmail, scope: SCOPE, aud: tokenUri, iat: issued, exp: issued + LIFE }
    const assertion = signJws(key, { typ: "JWT", kid: keyId }, claims)
    const body = new URLSearchParams({ grant_type: GRANT, assertion }).toString()
    const headers = { "content-type": "application/x-www-form-urlencoded" }
    try {
      const request = { method: "POST", path: this.#path, headers, body } as const
      return this.#take(await this.#client.request(request, new AbortController().signal))
    } catch (error) {
      return { outcome: outcomeOfProblem(error) }
    }
  }

  #take({ status, headers, body }: Http2Answer): AccessTokenResult {
    if (status >= 500 || status === 429) {
      const afterMs = retryAfterMs(headers["retry-after"], this.#clock.now(), SERVER_PAUSE)
      return { outcome: { outcome: "retry", cause: "unavailable", afterMs } }
    }
    const { access_token: token, expires_in: life = LIFE } = status === 200 ? parse(body) : {}
    if (typeof token !== "string" || token === "" || typeof life !== "number") {
      return { outcome: { outcome: "failed", cause: "configuration" } }
    }
    this.#token = token
    // A token of a life so short that it would be renewed at once is used for half of it.
    this.#until = this.#clock.monotonic() + Math.max(life * 1000 - EARLY, life * 500)
    return { token }
  }
}

function parse(body: string): { readonly access_token?: unknown; readonly expires_in?: unknown } {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === "object" && value !== null ? value : {}
  } catch {
    return {} // not the token endpoint
  }
}
