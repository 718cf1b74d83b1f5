import { rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { liveNodes } from "@sluice/fleet/redis-leases"
import { systemClock } from "@sluice/ops/clock"
import { createLog } from "@sluice/ops/log"
import { OperatorError } from "@sluice/ops/operator-error"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import type { MovableStore } from "@sluice/queue-store/migration/migrate-store"
import type { StoreCounts } from "@sluice/queue-store/queue-store"
import { beginMigration, endMigration, unfinishedMigration } from "@sluice/queue-store/redis/migration-marker"
import { replaceRedisCounts } from "@sluice/queue-store/redis/recount"
import { openRedisStore } from "@sluice/queue-store/redis/redis-store"
import { StoreError } from "@sluice/queue-store/store-error"
import type { RedisConnection } from "@sluice/redis/connection"
import { connectToStore } from "@sluice/relay/redis-store"
import { exists } from "../identity.ts"
import { type Place, type Settings, shown } from "../place.ts"

/** The embedded store of the data folder, as a source or as a target. */
export class EmbeddedSide {
  readonly folder: string
  /** Where it is built when it is the target; it gets its name when it is whole. */
  readonly building: string

  constructor(place: Place, { config }: Settings) {
    this.folder = join(place.dataFolder, config.store.path)
    this.building = `${this.folder}.migrating`
  }

  isThere(): Promise<boolean> {
    return exists(join(this.folder, "data.mdb"))
  }

  async openSource(): Promise<MovableStore> {
    if (await this.isThere()) return openEmbedded(this.folder)
    throw new OperatorError(`store.path: ${shown(this.folder)} is not there; allowed: the folder of a relay's store`)
  }

  /** An empty one, or the one that was begun. */
  async openTarget(goesOn: boolean): Promise<MovableStore> {
    if (await this.isThere()) {
      throw new OperatorError(`store.path: there is a store in ${shown(this.folder)}; allowed: a folder without one`)
    }
    if (!goesOn) await rm(this.building, { recursive: true, force: true })
    return openEmbedded(this.building)
  }

  /** Gives the closed target its name. */
  async finish(): Promise<void> {
    if (!(await exists(this.building))) return
    await rm(this.folder, { recursive: true, force: true })
    await rename(this.building, this.folder)
  }
}

/** The store in the Redis of the settings, as a source or as a target. */
export class RedisSide {
  readonly #connection: RedisConnection

  private constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  /** Throws `OperatorError` when it can't be reached, and while relays are at work on it. */
  static async connect(place: Place, { config }: Settings): Promise<RedisSide> {
    const log = createLog({ ...config.log, level: "warn", service: "migrate-store" }, { clock: systemClock })
    const parts = { crypto: nativeCrypto, clock: systemClock, log, folder: place.dataFolder }
    const connection = await connectToStore(config.redis, parts)
    const nodes = await liveNodes(connection)
    if (nodes === 0) return new RedisSide(connection)
    await connection.close()
    throw new OperatorError(`redis.prefix: ${nodes} relay(s) are at work on this store: stop them first`)
  }

  /** Whether no migration into it is unfinished. */
  async isWhole(): Promise<boolean> {
    return (await unfinishedMigration(this.#connection)) === undefined
  }

  async openSource(): Promise<MovableStore> {
    if (!(await this.isWhole())) {
      throw new OperatorError("redis.prefix: a migration into this store was not finished; allowed: a whole store")
    }
    return openRedisStore({ connection: this.#connection })
  }

  async openTarget(name: string): Promise<MovableStore> {
    await beginMigration(this.#connection, name)
    return openRedisStore({ connection: this.#connection })
  }

  async finish(counts: StoreCounts): Promise<void> {
    await replaceRedisCounts({ connection: this.#connection }, counts)
    await endMigration(this.#connection)
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}

async function openEmbedded(folder: string): Promise<MovableStore> {
  try {
    return await openLmdbStore({ folder })
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const why = error.cause instanceof Error ? error.cause.message : error.message
    throw new OperatorError(`store.path: ${shown(folder)} is not a store that can be opened (${why})`, { cause: error })
  }
}
