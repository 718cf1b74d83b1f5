import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Kem } from "@sluice/crypto/kem"
import type { Clock } from "@sluice/ops/clock"
import type { Dial } from "@sluice/smp-client/dial"
import type { EventHub } from "@sluice/smp-client/event-hub"
import type { DeliveryLimits } from "../connection/delivered.ts"
import type { Env, RequestLimits, Versions } from "../connection/draft.ts"
import type { AgentEvent } from "../events.ts"
import type { Routes } from "../network/routes.ts"
import type { SessionPool } from "../network/session-pool.ts"
import type { Subscriptions } from "../network/subscriptions.ts"
import type { NotificationCore } from "../notifications/notification-core.ts"
import type { AgentStore } from "../store/agent-store.ts"
import type { Connections } from "./connections.ts"
import type { Deliveries } from "./deliveries.ts"
import type { StepRunner } from "./step-runner.ts"
import type { Users } from "./users.ts"

/** Everything that the parts of an agent share. */
export interface AgentContext {
  readonly store: AgentStore
  readonly crypto: CryptoBackend
  readonly kem: Kem
  readonly clock: Clock
  /** Opens connections; default TCP. */
  readonly dial: Dial | undefined
  /** Numbers from 0 up to but not including 1, for choices that are no secret. */
  readonly random: () => number
  readonly versions: Versions
  readonly limits: DeliveryLimits & RequestLimits
  readonly events: EventHub<AgentEvent>
  readonly users: Users
  readonly pool: SessionPool
  readonly routes: Routes
  readonly subscriptions: Subscriptions
  readonly connections: Connections
  readonly deliveries: Deliveries
  readonly steps: StepRunner
  readonly notifications: NotificationCore
}

/** What the state machine takes from outside, at this moment. */
export function envOf({ store, crypto, kem, clock, versions, limits }: AgentContext): Env {
  return { store, crypto, kem, versions, limits, now: clock.now() }
}
