import type { CryptoBackend } from "@sluice/crypto/backend"
import type { PushTag } from "@sluice/ntf-protocol/device-token"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { NtfStatistics } from "./statistics.ts"
import type { DroppedQueue, NtfStore, PushReference, SubscriptionRecord, TokenLimits } from "./store/ntf-store.ts"
import type { StoreError } from "./store/store-error.ts"

/** What commands want done about pushes. */
export interface PushSink {
  /** A push was stored and may be sent. */
  wake(push: PushReference): void
  /** Whether tokens of this push service are taken. */
  accepts(tag: PushTag): boolean
}

/** What commands want done about relays. */
export interface RelaySink {
  /** A subscription was stored and is to be made. */
  subscribe(subscription: SubscriptionRecord): void
  /** Queues are of no interest any more. */
  drop(queues: readonly DroppedQueue[]): void
}

/** What all sessions share. */
export interface NtfContext {
  readonly store: NtfStore
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly log: Log
  readonly limits: TokenLimits
  /** Commands of one connection and minute that have a verification pushed. */
  readonly registrationsPerMinute: number
  readonly statistics: NtfStatistics
  readonly pushes: PushSink
  readonly relays: RelaySink
  /** Told about every failure of the store. */
  readonly onStoreFailure: (error: StoreError) => void
}

/** Unix seconds. */
export function seconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000)
}

/** Days since the epoch. */
export function today(clock: Clock): number {
  return Math.floor(clock.now() / 86_400_000)
}
