import { redisLink } from "@sluice/fleet/redis-link"
import { bullmqJobs } from "@sluice/redis/bullmq-jobs"
import type { RedisConnection } from "@sluice/redis/connection"
import type { RelayParts } from "../relay-parts.ts"

/**
 * How relays whose store is one Redis are one fleet: they meet there, and do periodic work on it once together. `lease` in
 * milliseconds.
 */
export function redisFleet(redis: RedisConnection, lease: number): Required<Pick<RelayParts, "link" | "fleetJobs">> {
  return {
    link: redisLink({ redis, lease }),
    fleetJobs: (components) => bullmqJobs({}, { ...components, connection: redis }),
  }
}
