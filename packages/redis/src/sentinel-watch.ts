import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import { createSentinelClient } from "./client-options.ts"
import { toRedisError } from "./redis-error.ts"
import type { RedisConfig } from "./settings.ts"
import { createSubscriber } from "./subscriber.ts"

/** Where Sentinels tell that another server is the primary now: `name old-host old-port new-host new-port`. */
const SWITCHED = "+switch-master"

export interface SentinelWatchParts {
  readonly log: Log
  readonly clock: Clock
  readonly random: () => number
  readonly folder?: string | undefined
}

/**
 * Listens to all Sentinels for a new primary. Most of the time connections to the former one break anyway; one that hangs,
 * or that is cut off together with this process, is only left because of this.
 * @param onSwitch called once by every Sentinel that tells
 */
export function watchSentinels(config: RedisConfig, parts: SentinelWatchParts, onSwitch: () => void): AsyncDisposable {
  const ignore = (): void => undefined
  const subscribers = config.nodes.map((sentinel) => {
    const message = (_channel: string, text: Uint8Array): void => {
      if (Buffer.from(text).toString("utf8").split(" ")[0] === config.sentinelName) onSwitch()
    }
    const connect = () => createSentinelClient(config, parts, sentinel)
    const subscriber = createSubscriber({ ...parts, connect, events: { message, up: ignore, down: ignore } })
    // Only refused when it is closed; until then it is tried again and again.
    subscriber.subscribe(SWITCHED).catch(toRedisError)
    return subscriber
  })
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(subscribers.map((subscriber) => subscriber.close()))
    },
  }
}
