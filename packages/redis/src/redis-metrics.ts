import type { MetricsRegister } from "@sluice/ops/metrics"
import type { RedisConnection } from "./connection.ts"
import type { DurabilityWatch } from "./durability-watch.ts"

/** Registers what the connection to Redis counts, and what is known of the configuration of Redis. */
export function registerRedisMetrics(
  register: MetricsRegister,
  redis: Pick<RedisConnection, "figures" | "isUp">,
  durability?: Pick<DurabilityWatch, "kept">,
): void {
  const { figures } = redis
  const counter = (name: string, help: string, read: () => number): void =>
    register.counterFrom({ name: `sluice_redis_${name}`, help }, read)
  counter("units_total", "Units of commands for Redis", () => figures.units)
  counter("failures_total", "Units that were rejected", () => figures.failures)
  counter(
    "repeats_total",
    "Units that were sent again because a slot moved or a script was not known",
    () => figures.repeats,
  )
  counter("connects_total", "Connections to servers of Redis that were made", () => figures.connects)
  register.gaugeFrom({ name: "sluice_redis_up", help: "Whether all primaries of Redis are connected to" }, () =>
    redis.isUp ? 1 : 0,
  )
  register.gaugeFrom(
    {
      name: "sluice_redis_durability_kept",
      help: "Whether Redis is set up for redis.durability, as of the last look; absent where it does not tell",
    },
    () => (durability?.kept === undefined ? [] : [[{}, durability.kept ? 1 : 0]]),
  )
}
