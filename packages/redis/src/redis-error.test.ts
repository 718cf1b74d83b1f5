import { describe, expect, it } from "vitest"
import { answerWord, RedisError, toRedisError } from "./redis-error.ts"
import { refusalOf } from "./refusal.ts"

/** An error as the client library makes it of an answer. */
function reply(message: string): Error {
  return Object.assign(new Error(message), { name: "ReplyError" })
}

describe("errors of Redis", () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", "REDIS_FULL", true],
    ["MISCONF Errors writing to the AOF file: No space left on device", "REDIS_FULL", true],
    ["READONLY You can't write against a read only replica.", "REDIS_READ_ONLY", true],
    ["NOREPLICAS Not enough good replicas to write.", "REDIS_READ_ONLY", true],
    ["NOPERM User default has no permissions", "REDIS_DENIED", false],
    ["WRONGPASS invalid username-password pair", "REDIS_DENIED", false],
    ["CLUSTERDOWN Hash slot not served", "REDIS_UNAVAILABLE", true],
    ["LOADING Redis is loading the dataset in memory", "REDIS_UNAVAILABLE", true],
    ["WRONGTYPE Operation against a key", "REDIS_FAILED", false],
    ["ERR unknown command", "REDIS_FAILED", false],
  ])("%s", (message, code, retryable) => {
    const cause = reply(message)
    const error = toRedisError(cause)
    expect(error).toMatchObject({ name: "RedisError", code, retryable, cause })
    // What an answer quotes is not repeated.
    expect(error.message).toBe(code === "REDIS_FAILED" ? `${code} ${answerWord(cause)}` : code)
    expect(toRedisError(error)).toBe(error)
  })

  it.each([
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "issuer"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "issuer"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "name"],
    ["CERT_HAS_EXPIRED", "date"],
  ])("of a handshake that ends with %s mean that the server is not trusted", (code, because) => {
    const error = toRedisError(Object.assign(new Error("for redis.internal"), { code }))
    expect(error).toMatchObject({ message: `REDIS_UNTRUSTED ${because}`, retryable: false })
    expect(refusalOf(error).message).toMatch(/^redis\.[a-z_]+: [^\n]*; allowed: [^\n]*$/)
  })

  it("of the connection mean that it is not there", () => {
    expect(toRedisError(new Error("connect ECONNREFUSED 192.0.2.1:6379"))).toMatchObject({
      code: "REDIS_UNAVAILABLE",
      message: "REDIS_UNAVAILABLE",
    })
    expect(toRedisError("thrown text").retryable).toBe(true)
    expect(new RedisError({ code: "REDIS_NOT_DURABLE", confirmed: 0, wanted: 1 }).retryable).toBe(true)
  })
})
