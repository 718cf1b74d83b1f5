import { join } from "node:path"
import type { AdminRoute } from "@sluice/ops/admin-server"
import type { Job } from "@sluice/ops/jobs"
import type { MetricsRegister } from "@sluice/ops/metrics"
import type { StoreCounts } from "@sluice/queue-store/queue-store"
import { registerRedisMetrics } from "@sluice/redis/redis-metrics"
import { adminRoutes } from "./admin-routes.ts"
import type { RelayConfig } from "./config.ts"
import type { RelayContext } from "./context.ts"
import type { ProxyFigures } from "./daily-line.ts"
import { DailyStatistics } from "./daily-statistics.ts"
import { DeliveryLevels } from "./delivery-levels.ts"
import { FleetStatistics } from "./fleet/fleet-statistics.ts"
import { redisHashes } from "./fleet/shared-hashes.ts"
import { registerRelayMetrics, type SocketCounts } from "./metrics.ts"
import type { OpenStore } from "./open-store.ts"
import { Snapshots } from "./snapshots.ts"
import { registerRememberingMetrics, registerStoreMetrics } from "./store-metrics.ts"

/** What operating needs of the running relay. */
export interface OperatedRelay {
  /** Numbers of the store, as of the last look. */
  counts(): StoreCounts
  sockets(): readonly SocketCounts[]
  /** Key hash of the relay's addresses, 32 bytes. */
  fingerprint(): Uint8Array
  /** Takes over new certificates; rejects with `OperatorError` for bad ones. */
  reload(): Promise<void>
  /** Begins to end all sessions, and accepts no more. */
  drain(): void
}

export interface OperationsParts {
  readonly config: RelayConfig
  readonly core: RelayContext
  readonly store: OpenStore
  readonly dataFolder: string
  readonly register: MetricsRegister
  readonly version: string
  /** Counters of the proxy, if the relay is one, too. */
  readonly proxy?: (() => ProxyFigures) | undefined
}

/** What operators see of a relay, and do with it: metrics, statistics by day, and the administrators' routes. */
export class RelayOperations {
  readonly routes: AdminRoute[]
  readonly jobs: Job[]
  readonly #daily: DailyStatistics

  constructor({ config, core, store, dataFolder, ...parts }: OperationsParts, relay: OperatedRelay) {
    const { clock, statistics } = core
    const log = core.log.child("admin")
    const levels = new DeliveryLevels(core)
    const { register, version } = parts
    const { counts, sockets } = relay
    registerRelayMetrics(register, { ...core, levels, version, counts, sockets })
    if (store.lmdb !== undefined) registerStoreMetrics(register, store.lmdb.figures)
    if (store.remembering !== undefined) registerRememberingMetrics(register, store.remembering)
    if (store.redis !== undefined) registerRedisMetrics(register, store.redis, store.durability)
    const folder = config.statistics.daily ? join(dataFolder, config.statistics.path) : undefined
    const shared =
      store.redis === undefined || folder === undefined
        ? undefined
        : new FleetStatistics({
            hashes: redisHashes(store.redis),
            folder,
            node: core.node,
            counts: () => core.store.counts(),
            now: () => clock.now(),
          })
    this.#daily = new DailyStatistics({
      folder,
      onDay: shared && ((from, share) => shared.give(from, share)),
      statistics,
      proxy: parts.proxy,
      counts: () => core.store.counts(),
      now: () => clock.now(),
      log,
    })
    this.jobs = [...this.#daily.jobs(), ...(shared?.jobs() ?? []), levels.job()]
    this.routes = adminRoutes({
      ...relay,
      relay: core,
      dailyBlocks: config.moderation.dailyBlocks,
      daily: this.#daily,
      snapshots: new Snapshots({
        store: store.lmdb,
        folder: join(dataFolder, config.store.backupPath),
        now: () => clock.now(),
      }),
      log,
    })
  }

  /** Continues what a former process counted. Throws `OperatorError` when the folder cannot be used. */
  load(): Promise<void> {
    return this.#daily.load()
  }

  /** Keeps what was counted for the next process. */
  save(): Promise<void> {
    return this.#daily.save()
  }
}
