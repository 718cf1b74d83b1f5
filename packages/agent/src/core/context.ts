import type { Routes } from "../network/routes.ts"
import type { SessionPool } from "../network/session-pool.ts"
import type { Subscriptions } from "../network/subscriptions.ts"
import type { NotificationCore } from "../notifications/notification-core.ts"
import type { AgentBase } from "./base.ts"
import type { Connections } from "./connections.ts"
import type { Deliveries } from "./deliveries.ts"
import type { Receiver } from "./receiver.ts"
import type { StepRunner } from "./step-runner.ts"
import type { Users } from "./users.ts"

/** A whole agent, for the calls of its user. What the parts below need of each other, each says beside itself. */
export interface AgentContext extends AgentBase {
  readonly users: Users
  readonly pool: SessionPool
  readonly routes: Routes
  readonly subscriptions: Subscriptions
  readonly connections: Connections
  readonly notifications: NotificationCore
  readonly deliveries: Deliveries
  readonly steps: StepRunner
  readonly receiver: Receiver
}
