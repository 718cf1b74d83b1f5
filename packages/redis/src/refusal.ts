import { OperatorError } from "@sluice/ops/operator-error"
import type { CertificateFault, RedisError } from "./redis-error.ts"

const UNTRUSTED: Readonly<Record<CertificateFault, string>> = {
  issuer:
    "redis.tls_ca: the certificate of Redis is not signed by a trusted one; allowed: a file with the certificate of its issuer",
  name: "redis.nodes: the certificate of Redis is for another name; allowed: a name of its certificate (redis.nat_map leads to one from an announced address)",
  date: "redis.tls: the certificate of Redis has expired or is not valid yet; allowed: one that is valid now (see both clocks)",
}

/** Why a program that needs Redis does not start, with the setting to look at. */
export function refusalOf(error: RedisError): OperatorError {
  return new OperatorError(adviceOn(error), { cause: error })
}

function adviceOn({ problem }: RedisError): string {
  switch (problem.code) {
    case "REDIS_DENIED":
      return "redis.password: Redis refuses this user or password; allowed: those of a user that may run all commands on the keys and channels of redis.prefix, and redis.sentinel_password where Sentinels have one"
    case "REDIS_UNTRUSTED":
      return UNTRUSTED[problem.because]
    default:
      return "redis.nodes: Redis can not be reached there; allowed: addresses of servers that run, with redis.tls if they want it"
  }
}
