import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis } from "@sluice/redis/connection"
import { checkDurability } from "@sluice/redis/durability"
import { listOf, textOf } from "@sluice/redis/redis-command"
import { RedisError } from "@sluice/redis/redis-error"
import { refusalOf } from "@sluice/redis/refusal"
import { type Finding, fine, problem } from "./finding.ts"
import type { Patient } from "./patient.ts"

/** Clocks of relays that share a store may differ by this, milliseconds: leases are longer. */
const CLOCK_TOLERANCE = 2000

/** Redis, where the store is there: reachable, new enough, as durable as was asked for, and at the same time. */
export async function checkRedis({ place, subject: { redis: config }, machine }: Patient): Promise<Finding[]> {
  if (config === undefined) return []
  const nodes = config.nodes.map(({ host, port }) => `${host}:${port}`).join(", ")
  await using redis = openRedis(config, { log: silentLog, clock: systemClock, folder: place.dataFolder })
  try {
    await redis.ready(config.connectTimeout)
    const findings = (await checkDurability(redis)).map(({ code, advice }) => {
      const [what = advice, todo = advice] = advice.split(/: (.*)/s)
      return problem(`redis.${code.toLowerCase().replaceAll("_", "-")}`, what, todo)
    })
    const [seconds] = listOf(await redis.command(["TIME"]))
    const difference = Math.abs(Number(textOf(seconds)) * 1000 - machine.now())
    if (difference > CLOCK_TOLERANCE) {
      const what = `the clock differs from that of Redis by ${Math.round(difference / 1000)} s`
      findings.push(problem("redis.clock", what, "set both clocks: `timedatectl set-ntp true`"))
    }
    return findings.length > 0
      ? findings
      : [fine("redis", `Redis at ${nodes} is reachable and set up for ${config.durability}`)]
  } catch (error) {
    if (!(error instanceof RedisError)) throw error
    const advice = `${refusalOf(error).message}; \`redis-cli -h HOST -p PORT ping\` tells more`
    return [problem("redis.unreachable", `Redis at ${nodes} cannot be used: ${error.message}`, advice)]
  }
}
