/** What went wrong between this process and Redis. Names no key, value or address. */
export type RedisProblem =
  /** No connection, or it broke before the answer came: what was asked may have happened or not. */
  | { readonly code: "REDIS_UNAVAILABLE" }
  /** The connection was closed by its owner. */
  | { readonly code: "REDIS_CLOSED" }
  /** Out of memory (`maxmemory` without eviction), or unable to write to its disk. Nothing happened. */
  | { readonly code: "REDIS_FULL" }
  /** A replica was asked to write, or a primary without enough replicas. Nothing happened. */
  | { readonly code: "REDIS_READ_ONLY" }
  /** User or password are wrong, or the user may not do this. Nothing happened. */
  | { readonly code: "REDIS_DENIED" }
  /** TLS: the certificate of Redis has another issuer, name or time than can be trusted. Nothing was asked. */
  | { readonly code: "REDIS_UNTRUSTED"; readonly because: CertificateFault }
  /** It happened, but fewer replicas or disks than asked for confirmed it in time. */
  | { readonly code: "REDIS_NOT_DURABLE"; readonly confirmed: number; readonly wanted: number }
  /** An answer that this program does not expect; `reply` is the first word of it. */
  | { readonly code: "REDIS_FAILED"; readonly reply: string }

/**
 * What keeps a certificate from being trusted: `issuer` is none of the trusted ones, `name` is not the one that the server
 * is reached by, `date` is outside of its validity.
 */
export type CertificateFault = "issuer" | "name" | "date"

export type RedisErrorCode = RedisProblem["code"]

/** Redis could not be asked, or refused. */
export class RedisError extends Error {
  override readonly name = "RedisError"
  readonly problem: RedisProblem

  constructor(problem: RedisProblem, options?: ErrorOptions) {
    super(messageOf(problem), options)
    this.problem = problem
  }

  get code(): RedisErrorCode {
    return this.problem.code
  }

  /** Whether the same may succeed later without a change of the configuration. */
  get retryable(): boolean {
    const { code } = this.problem
    return !LASTING.has(code)
  }
}

/** What does not pass by itself. */
const LASTING: ReadonlySet<RedisErrorCode> = new Set([
  "REDIS_CLOSED",
  "REDIS_DENIED",
  "REDIS_UNTRUSTED",
  "REDIS_FAILED",
])

function messageOf(problem: RedisProblem): string {
  if (problem.code === "REDIS_FAILED") return `${problem.code} ${problem.reply}`
  return problem.code === "REDIS_UNTRUSTED" ? `${problem.code} ${problem.because}` : problem.code
}

/** Whether an error was caused by a Redis that had no room; one that is out of memory takes other changes nevertheless. */
export function isForLackOfRoom({ cause }: Error): boolean {
  return cause instanceof RedisError && cause.code === "REDIS_FULL"
}

/** First words of answers and what they mean. */
const BY_WORD: ReadonlyMap<
  string,
  Exclude<RedisErrorCode, "REDIS_NOT_DURABLE" | "REDIS_UNTRUSTED" | "REDIS_FAILED">
> = new Map([
  ["OOM", "REDIS_FULL"],
  ["MISCONF", "REDIS_FULL"],
  ["READONLY", "REDIS_READ_ONLY"],
  ["NOREPLICAS", "REDIS_READ_ONLY"],
  ["NOAUTH", "REDIS_DENIED"],
  ["WRONGPASS", "REDIS_DENIED"],
  ["NOPERM", "REDIS_DENIED"],
  ["LOADING", "REDIS_UNAVAILABLE"],
  ["BUSY", "REDIS_UNAVAILABLE"],
  ["MASTERDOWN", "REDIS_UNAVAILABLE"],
  ["CLUSTERDOWN", "REDIS_UNAVAILABLE"],
  ["TRYAGAIN", "REDIS_UNAVAILABLE"],
  ["MOVED", "REDIS_UNAVAILABLE"],
  ["ASK", "REDIS_UNAVAILABLE"],
  ["UNBLOCKED", "REDIS_UNAVAILABLE"],
])

/** Codes of failed handshakes, of Node and OpenSSL, that are about the certificate. */
const BY_CERTIFICATE: ReadonlyMap<unknown, CertificateFault> = new Map([
  ["ERR_TLS_CERT_ALTNAME_INVALID", "name"],
  ["CERT_HAS_EXPIRED", "date"],
  ["CERT_NOT_YET_VALID", "date"],
  ["CERT_REJECTED", "issuer"],
  ["CERT_SIGNATURE_FAILURE", "issuer"],
  ["CERT_UNTRUSTED", "issuer"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "issuer"],
  ["INVALID_CA", "issuer"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "issuer"],
  ["UNABLE_TO_GET_ISSUER_CERT", "issuer"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "issuer"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "issuer"],
])

/** Whatever the client library threw, as this package's error. Answers of Redis are told apart by their first word. */
export function toRedisError(cause: unknown): RedisError {
  if (cause instanceof RedisError) return cause
  const word = answerWord(cause)
  if (word === undefined) {
    const because = BY_CERTIFICATE.get((cause as { code?: unknown } | undefined)?.code)
    return new RedisError(
      because === undefined ? { code: "REDIS_UNAVAILABLE" } : { code: "REDIS_UNTRUSTED", because },
      {
        cause,
      },
    )
  }
  const code = BY_WORD.get(word)
  return new RedisError(code === undefined ? { code: "REDIS_FAILED", reply: word } : { code }, { cause })
}

/** The first word of an answer that is an error, such as `NOSCRIPT`; nothing for failures of the connection. */
export function answerWord(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || cause.name !== "ReplyError") return undefined
  return /^-?([A-Z]+)/.exec(cause.message)?.[1] ?? "ERR"
}
