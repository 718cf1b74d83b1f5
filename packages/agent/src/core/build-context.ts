import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Kem } from "@sluice/crypto/kem"
import { nativeCrypto } from "@sluice/crypto/native"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { E2E_RANGE } from "@sluice/ratchet/versions"
import type { ClientOptions } from "@sluice/smp-client/client"
import type { Dial } from "@sluice/smp-client/dial"
import { EventHub } from "@sluice/smp-client/event-hub"
import { CLIENT_LAYER_RANGE } from "@sluice/smp-protocol/versions"
import { DELIVERY_LIMITS, type DeliveryLimits } from "../connection/delivered.ts"
import { REQUEST_LIMITS, type RequestLimits, type Versions } from "../connection/draft.ts"
import { AgentError } from "../errors.ts"
import type { AgentEvent } from "../events.ts"
import { Routes } from "../network/routes.ts"
import { SessionPool } from "../network/session-pool.ts"
import { type NetworkOptions, networkSettings } from "../network/settings.ts"
import { Subscriptions } from "../network/subscriptions.ts"
import { NotificationCore, type NotificationOptions } from "../notifications/notification-core.ts"
import { AGENT_RANGE } from "../protocol/versions.ts"
import type { AgentStore } from "../store/agent-store.ts"
import type { AgentBase } from "./base.ts"
import { Connections } from "./connections.ts"
import type { AgentContext } from "./context.ts"
import { Deliveries } from "./deliveries.ts"
import { followUp } from "./follow-up.ts"
import { Receiver } from "./receiver.ts"
import { StepRunner } from "./step-runner.ts"
import { Users } from "./users.ts"

/** What an agent is made of. Everything but the store has a default. */
export interface AgentOptions {
  /** Belongs to the agent from now on: closing the agent closes it. */
  readonly store: AgentStore
  readonly network?: NetworkOptions | undefined
  readonly crypto?: CryptoBackend | undefined
  readonly kem?: Kem | undefined
  readonly clock?: Clock | undefined
  /** For choices that are no secret, from 0 up to but not including 1; default `Math.random`. */
  readonly random?: (() => number) | undefined
  /** Versions to speak; default all. */
  readonly versions?: Partial<Versions> | undefined
  /** When messages are given up, and what is kept of strangers' requests. */
  readonly limits?: Partial<DeliveryLimits & RequestLimits> | undefined
  /** Of all clients of relays, e.g. their time-outs. */
  readonly client?: ClientOptions | undefined
  /** Push notifications; without servers none can be registered for. */
  readonly notifications?: NotificationOptions | undefined
  /** Opens connections; default TCP. */
  readonly dial?: Dial | undefined
}

/** Makes the parts of an agent, each with those below it. None of them does anything yet. */
export function buildContext(options: AgentOptions): AgentContext {
  const base = baseOf(options)
  const { store, crypto, clock, random, dial, events } = base
  const users = new Users(store)
  const addressOf = users.addressOf.bind(users)
  // What comes from relays, and what follows from a change, is told upwards: to parts that are made only after these.
  const pool = new SessionPool(
    { crypto, clock, addressOf, dial, client: options.client, onEvent: (...told) => receiver.onEvent(...told) },
    networkSettings(options.network),
  )
  const routes = new Routes(pool, (id) => users.servers(id), random)
  const subscriptions = new Subscriptions(pool, clock, {
    down: (server, connectionIds) => events.emit({ type: "down", server, connectionIds }),
    up: (server, connectionIds) => events.emit({ type: "up", server, connectionIds }),
    failed: ({ connectionId }, error) => events.emit({ type: "error", connectionId, error }),
    ended: ({ connectionId }) => events.emit({ type: "ended", connectionId }),
    deleted: ({ connectionId }) => events.emit({ type: "queue-gone", connectionId }),
  })
  const connections = new Connections({ ...base, changed: (change) => followUp(context, change) })
  const parts = { ...base, users, pool, routes, subscriptions, connections }
  const notifications = new NotificationCore(parts, options.notifications)
  const deliveries = new Deliveries(parts)
  const steps = new StepRunner({ ...parts, notifications })
  const receiver = new Receiver(parts)
  const context: AgentContext = { ...parts, notifications, deliveries, steps, receiver }
  return context
}

function baseOf(options: AgentOptions): AgentBase {
  const { store, crypto = nativeCrypto, clock = systemClock, random = Math.random, dial } = options
  const { kem = createSntrup761(crypto), versions, limits } = options
  return {
    ...{ store, crypto, kem, clock, dial, random },
    versions: { agent: AGENT_RANGE, client: CLIENT_LAYER_RANGE, e2e: E2E_RANGE, ...versions },
    limits: { ...DELIVERY_LIMITS, ...REQUEST_LIMITS, ...limits },
    events: new EventHub<AgentEvent>("closed", () => new AgentError({ code: "INACTIVE" })),
  }
}
