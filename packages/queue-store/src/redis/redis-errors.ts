import { DecodeError } from "@sluice/encoding/errors"
import { RedisError } from "@sluice/redis/redis-error"
import { StoreError, type StoreProblem } from "../store-error.ts"

/** Redis holds something that the store does not write: another program's keys under the same prefix, or a body is missing. */
export class RedisDataError extends Error {
  override readonly name = "RedisDataError"
}

/** What went wrong, in terms of the interface; the cause keeps the details for operators. */
export function toStoreError(cause: unknown, operation: string): StoreError {
  return new StoreError({ code: codeOf(cause), operation }, { cause })
}

function codeOf(cause: unknown): StoreProblem["code"] {
  if (cause instanceof DecodeError || cause instanceof RedisDataError) return "STORE_CORRUPT"
  if (!(cause instanceof RedisError)) return "STORE_UNAVAILABLE"
  const { problem } = cause
  switch (problem.code) {
    case "REDIS_FULL":
      return "STORE_FULL"
    case "REDIS_CLOSED":
      return "STORE_CLOSED"
    case "REDIS_FAILED":
      return problem.reply === "WRONGTYPE" || problem.reply === "TYPE" ? "STORE_CORRUPT" : "STORE_UNAVAILABLE"
    case "REDIS_UNAVAILABLE":
    case "REDIS_READ_ONLY":
    case "REDIS_DENIED":
    case "REDIS_UNTRUSTED":
    case "REDIS_NOT_DURABLE":
      return "STORE_UNAVAILABLE"
    default:
      return problem satisfies never
  }
}
