import type { CryptoBackend } from "@sluice/crypto/backend"
import { toHex } from "@sluice/encoding/bytes"
import type { NodeLink } from "@sluice/fleet/node-link"
import { redisLink } from "@sluice/fleet/redis-link"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import { OperatorError } from "@sluice/ops/operator-error"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import { type DurabilityWatch, watchDurability } from "@sluice/redis/durability-watch"
import { listOf, textOf } from "@sluice/redis/redis-command"
import { RedisError } from "@sluice/redis/redis-error"
import { refusalOf } from "@sluice/redis/refusal"
import type { RedisConfig } from "@sluice/redis/settings"
import type { RelayId } from "../store/ntf-store.ts"
import { bytesIn } from "../store/redis/context.ts"
import { NtfKeys } from "../store/redis/keys.ts"
import { openRedisNtfStore, type RedisNtfStore } from "../store/redis/redis-ntf-store.ts"
import { type FleetFigures, newFleetFigures } from "./fleet-metrics.ts"
import { RelayLeases } from "./relay-leases.ts"

/** The store in Redis, and what the nodes on it need to work together. */
export interface SharedStore {
  readonly store: RedisNtfStore
  readonly redis: RedisConnection
  /** What is known of the configuration of Redis. */
  readonly durability: Pick<DurabilityWatch, "kept">
  readonly link: NodeLink
  readonly leases: RelayLeases
  /** Milliseconds of a lease without renewal. */
  readonly lease: number
  readonly figures: FleetFigures
  /** Queues of a relay that nobody has asked it for. */
  readonly fresh: (relayId: RelayId, limit: number) => Promise<readonly Uint8Array[]>
}

export interface SharedStoreParts {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly log: Log
  /** Folder that files of the configuration are relative to. */
  readonly folder: string
}

/** What keys of this server begin with, behind the prefix that relays may have in the same Redis. */
const PREFIX = "ntf:"
const NODE_BYTES = 16
/** Version of what is stored; there has been one. */
const SCHEMA = 1

/**
 * Connects to Redis, says what is wrong with its configuration, and opens the store in it. Throws `OperatorError` when it
 * can not be reached in the time of two attempts (what is lost later comes back by itself), and for data of a later version.
 */
export async function openSharedStore(
  config: RedisConfig,
  lease: number,
  parts: SharedStoreParts,
): Promise<SharedStore> {
  const { crypto, clock, log } = parts
  const redis = openRedis({ ...config, prefix: config.prefix + PREFIX }, parts)
  const keys = new NtfKeys(redis.prefix)
  let durability: DurabilityWatch
  try {
    await redis.ready(2 * config.connectTimeout)
    durability = await watchDurability(redis, { clock, log })
    await checkSchema(redis, keys)
  } catch (error) {
    await redis.close()
    throw error instanceof RedisError ? refusalOf(error) : error
  }
  const node = toHex(crypto.randomBytes(NODE_BYTES))
  const link = redisLink({ redis, lease })({ node, clock })
  const leases = new RelayLeases({ connection: redis, keys, node, clock, lease })
  const fleet = {
    nodes: () => [node, ...link.others],
    fence: (relayId: RelayId) => leases.fence(relayId),
    lease,
  }
  const figures = newFleetFigures()
  const store = openRedisNtfStore({ connection: redis, node, fleet, crypto, clock })
  return {
    ...{ redis, durability, link, leases, lease, figures },
    store: {
      ...store,
      pushes: {
        ...store.pushes,
        async left(limit) {
          const left = await store.pushes.left(limit)
          figures.pushesTaken += left.length
          return left
        },
      },
      async close() {
        await store.close()
        await redis.close()
      },
    },
    async fresh(relayId, limit) {
      return listOf(await redis.command(["SRANDMEMBER", keys.relay(relayId).fresh, limit])).map(bytesIn)
    },
  }
}

async function checkSchema(redis: RedisConnection, keys: NtfKeys): Promise<void> {
  const found = await redis.command(["GET", keys.schema()])
  // Nothing is written where there is a version: a server can start on a Redis that is full.
  if (found === null) await redis.run({ steps: [["SET", keys.schema(), SCHEMA, "NX"]], write: true })
  const version = Number(textOf(found ?? (await redis.command(["GET", keys.schema()]))))
  if (version === SCHEMA) return
  throw new OperatorError(
    `redis.prefix: the notification store there has schema version ${version}, this program knows ${SCHEMA}: run the newer program`,
  )
}
