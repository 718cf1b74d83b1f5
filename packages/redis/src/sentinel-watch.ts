import { isIP } from "node:net"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { Redis } from "ioredis"
import { createSentinelClient } from "./client-options.ts"
import { toRedisError } from "./redis-error.ts"
import type { RedisAddress, RedisConfig } from "./settings.ts"
import { createSubscriber, type RedisSubscriber } from "./subscriber.ts"

/** Where Sentinels tell that another server is the primary now: `name old-host old-port new-host new-port`. */
const SWITCHED = "+switch-master"

export interface SentinelWatchParts {
  readonly log: Log
  readonly clock: Clock
  readonly random: () => number
  readonly folder?: string | undefined
}

/**
 * Listens to all Sentinels for a new primary, and leaves the former one. Most of the time connections to that one break
 * anyway; one that hangs, or that is cut off together with this process, is only left because of this.
 */
export class SentinelWatch implements AsyncDisposable {
  readonly #config: RedisConfig
  readonly #clients = new Set<Redis>()
  readonly #subscribers: readonly RedisSubscriber[]

  constructor(config: RedisConfig, parts: SentinelWatchParts) {
    this.#config = config
    const ignore = (): void => undefined
    const message = (_channel: string, text: Uint8Array): void => this.#told(Buffer.from(text).toString("utf8"))
    this.#subscribers = config.nodes.map((sentinel) => {
      const connect = (): Redis => createSentinelClient(config, parts, sentinel)
      const subscriber = createSubscriber({ ...parts, connect, events: { message, up: ignore, down: ignore } })
      // Only refused when it is closed; until then it is tried again and again.
      subscriber.subscribe(SWITCHED).catch(toRedisError)
      return subscriber
    })
  }

  /** Until it ends, the client is connected anew when the server that it is connected to was replaced. */
  follow(client: Redis): void {
    this.#clients.add(client)
    client.once("end", () => this.#clients.delete(client))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#subscribers.map((subscriber) => subscriber.close()))
  }

  /** All Sentinels tell, each at its time: who is with the new primary already stays there. */
  #told(text: string): void {
    const [name, host = "", port] = text.split(" ")
    if (name !== this.#config.sentinelName) return
    const former = this.#reachable({ host, port: Number(port) })
    for (const client of this.#clients) if (mayLeadTo(client, former)) client.disconnect(true)
  }

  #reachable({ host, port }: RedisAddress): RedisAddress {
    const route = this.#config.natMap.find(({ announced }) => announced.host === host && announced.port === port)
    return route?.reachable ?? { host, port }
  }
}

/** Names are not compared with addresses, and a client that is only about to connect may do so to any. */
function mayLeadTo({ stream }: Redis, { host, port }: RedisAddress): boolean {
  const { remoteAddress, remotePort } = stream ?? {}
  if (remoteAddress === undefined) return true
  return remotePort === port && (isIP(host) === 0 || remoteAddress === host)
}
