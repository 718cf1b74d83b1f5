import type { Redis } from "ioredis"
import { type Reply, toCommand } from "./redis-command.ts"
import { RedisError, toRedisError } from "./redis-error.ts"
import type { RedisNodes } from "./redis-nodes.ts"
import type { RedisConfig } from "./settings.ts"
import type { TurnWrites } from "./turn-writes.ts"

/** Version from which a disk can be waited for (WAITAOF). */
const WAITS_FOR_DISK = 702

/**
 * Waits until what was sent to a server is as durable as configured: one WAIT or WAITAOF behind all changes of a turn, on
 * the same connection, so that an interruption in between is an error and never a wrong yes.
 */
export class Confirmations {
  readonly #config: Pick<RedisConfig, "durability" | "replicas" | "durabilityTimeout">
  readonly #turn: TurnWrites
  readonly #nodes: Pick<RedisNodes, "versionOf">
  readonly #open = new Map<Redis, Promise<void>>()

  constructor(
    config: Pick<RedisConfig, "durability" | "replicas" | "durabilityTimeout">,
    turn: TurnWrites,
    nodes: Pick<RedisNodes, "versionOf">,
  ) {
    this.#config = config
    this.#nodes = nodes
    this.#turn = turn
  }

  /** Whether an answer of Redis is not all that is asked for. */
  get needed(): boolean {
    return this.#config.durability !== "memory"
  }

  /** Resolves when everything that was sent to the server in this turn is confirmed. */
  confirm(redis: Redis): Promise<void> {
    const open = this.#open.get(redis)
    if (open !== undefined) return open
    const confirmed = new Promise<void>((resolve, reject) => {
      this.#turn.atEnd(() => {
        this.#open.delete(redis)
        this.#ask(redis).then(resolve, (error: unknown) => reject(toRedisError(error)))
      })
    })
    this.#open.set(redis, confirmed)
    this.#turn.hold(redis.stream)
    return confirmed
  }

  async #ask(redis: Redis): Promise<void> {
    const { durability, replicas, durabilityTimeout } = this.#config
    if (durability === "replicated") {
      const reply = (await redis.sendCommand(toCommand(["WAIT", replicas, durabilityTimeout]))) as Reply
      check(reply, replicas)
    } else if (this.#nodes.versionOf(redis) >= WAITS_FOR_DISK) {
      const reply = (await redis.sendCommand(toCommand(["WAITAOF", 1, 0, durabilityTimeout]))) as readonly Reply[]
      check(reply[0], 1)
    }
    // An older server with `appendfsync always` answers after its disk has it; `checkDurability` looks whether that is so.
  }
}

function check(reply: Reply | undefined, wanted: number): void {
  const confirmed = typeof reply === "number" ? reply : 0
  if (confirmed < wanted) throw new RedisError({ code: "REDIS_NOT_DURABLE", confirmed, wanted })
}
