import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Kem } from "@sluice/crypto/kem"
import type { Clock } from "@sluice/ops/clock"
import type { Dial } from "@sluice/smp-client/dial"
import type { EventHub } from "@sluice/smp-client/event-hub"
import type { DeliveryLimits } from "../connection/delivered.ts"
import type { Env, RequestLimits, Versions } from "../connection/draft.ts"
import type { AgentEvent } from "../events.ts"
import type { AgentStore } from "../store/agent-store.ts"

/** What an agent stands on, and no part of it: each part says which of this it needs. */
export interface AgentBase {
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
  /** What the user is told. */
  readonly events: EventHub<AgentEvent>
}

/** What {@link envOf} takes. */
export type EnvSource = Pick<AgentBase, "store" | "crypto" | "kem" | "clock" | "versions" | "limits">

/** What the state machine takes from outside, at this moment. */
export function envOf({ store, crypto, kem, clock, versions, limits }: EnvSource): Env {
  return { store, crypto, kem, versions, limits, now: clock.now() }
}
