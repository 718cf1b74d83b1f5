import { type JwsKey, signJws } from "@sluice/crypto/native/jws"
import type { Clock } from "@sluice/ops/clock"

/** Age at which a token is replaced, in milliseconds: Apple wants 20 to 60 minutes (notifications.md §6.3). */
export const PROVIDER_TOKEN_AGE = 1_800_000
/**
 * Apple limits how often a provider changes its token, so that one which it calls expired at once (a wrong clock) is sent
 * for this long before it is replaced, in milliseconds.
 */
const SHORTEST_AGE = 60_000

/** What Apple knows a provider by. */
export interface ProviderTokenOptions {
  /** Of P-256, from the `.p8` file. */
  readonly key: JwsKey
  readonly keyId: string
  readonly teamId: string
  readonly clock: Clock
}

/** The signed token of a provider at APNs, made anew when it is old. */
export class ProviderToken {
  readonly #options: ProviderTokenOptions
  #token = ""
  #made = -Infinity

  constructor(options: ProviderTokenOptions) {
    this.#options = options
  }

  /** The token to send now. */
  get(): string {
    const { clock, key, keyId, teamId } = this.#options
    if (clock.monotonic() - this.#made >= PROVIDER_TOKEN_AGE) {
      this.#made = clock.monotonic()
      this.#token = signJws(key, { kid: keyId }, { iss: teamId, iat: Math.floor(clock.now() / 1000) })
    }
    return this.#token
  }

  /** Notes that Apple called this token expired, so that the next one is new. One that is replaced already is ignored. */
  expired(token: string): void {
    const age = this.#options.clock.monotonic() - this.#made
    if (token === this.#token && age >= SHORTEST_AGE) this.#made = -Infinity
  }
}
