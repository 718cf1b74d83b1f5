import { type JwsKey, jwsKeyOfP256, signJws } from "@sluice/crypto/native/jws"
import { type P256PrivateKey, publicKeyOfP256 } from "@sluice/crypto/native/p256"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import type { Clock } from "@sluice/ops/clock"
import { Lru } from "@sluice/ops/lru"

/** Life of a token in seconds; a day is the most that RFC 8292 §2 allows. */
const LIFE = 43_200
/** Age at which a token is replaced, in milliseconds. */
const REPLACED = 21_600_000
/** Push services whose tokens are kept. */
const KEPT = 1_024

/** How this server introduces itself to push services. */
export interface VapidOptions {
  readonly privateKey: P256PrivateKey
  /** `mailto:` or `https:` URL at which a push service reaches the operator. */
  readonly subject: string
  readonly clock: Clock
}

interface Kept {
  readonly header: string
  readonly made: number
}

/** Voluntary identification of an application server (RFC 8292): a signed token for each push service, made anew in time. */
export class Vapid {
  /** Public key as devices need it to subscribe (`applicationServerKey`): base64url of 65 bytes. */
  readonly publicKey: string
  readonly #key: JwsKey
  readonly #subject: string
  readonly #clock: Clock
  readonly #kept = new Lru<string, Kept>(KEPT)

  constructor({ privateKey, subject, clock }: VapidOptions) {
    this.publicKey = encodeBase64UrlUnpadded(publicKeyOfP256(privateKey))
    this.#key = jwsKeyOfP256(privateKey)
    this.#subject = subject
    this.#clock = clock
  }

  /** Value of `Authorization` for a push service, given as its origin. */
  authorization(origin: string): string {
    const made = this.#clock.monotonic()
    const kept = this.#kept.get(origin)
    if (kept !== undefined && made - kept.made < REPLACED) return kept.header
    const exp = Math.floor(this.#clock.now() / 1000) + LIFE
    const token = signJws(this.#key, { typ: "JWT" }, { aud: origin, exp, sub: this.#subject })
    const header = `vapid t=${token}, k=${this.publicKey}`
    this.#kept.set(origin, { header, made })
    return header
  }

  /** Notes that a push service did not take its token, so that the next one is new. */
  refused(origin: string): void {
    this.#kept.delete(origin)
  }
}
