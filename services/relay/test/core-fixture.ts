import { nativeCrypto } from "@sluice/crypto/native"
import { EMPTY } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import type { QueueRecord } from "@sluice/queue-store/records"
import { SessionBoxKeys } from "@sluice/smp-protocol/box-key-cache"
import type { ConnectedService } from "@sluice/transport/session"
import { Client, type Connection, type Outgoing } from "../src/client.ts"
import type { RelayContext } from "../src/context.ts"
import { createRelayCore } from "../src/relay-core.ts"
import { DEFAULT_POLICY } from "../src/settings.ts"

/** A relay without network, on a store in memory and a clock that stands still. */
export interface CoreFixture {
  readonly relay: RelayContext
  readonly store: QueueStore
  readonly clock: ManualClock
  readonly log: RecordingLog
}

/** 2025-06-30 12:00 UTC, a Monday. */
export const NOON: number = Date.UTC(2025, 5, 30, 12)

export function coreFixture(store: QueueStore = createMemoryStore()): CoreFixture {
  const clock = new ManualClock(NOON)
  const log = recordingLog()
  const relay = createRelayCore({ policy: DEFAULT_POLICY, store, crypto: nativeCrypto, clock, log, node: "node" })
  return { relay, store, clock, log }
}

/** A connection that keeps what it is sent. */
export interface FakeClient {
  readonly client: Client
  readonly sent: readonly Outgoing[]
}

/** A connection of the relay. */
export function connect(relay: RelayContext, service?: ConnectedService): FakeClient {
  const sent: Outgoing[] = []
  const sessionKey = nativeCrypto.generateKeyPair("x25519").privateKey
  const connection: Connection = {
    version: 20,
    sessionId: EMPTY,
    verifier: { crypto: nativeCrypto, sessionKey, boxKeys: new SessionBoxKeys(8) },
    service,
    congested: false,
    push: (batch) => {
      sent.push(...batch)
    },
    room: () => Promise.resolve(),
    turn: () => Promise.resolve(),
  }
  const client = new Client(connection)
  relay.clients.add(client)
  return { client, sent }
}

/** Subscribes a connection to a queue that is stored, as SUB does. */
export async function subscribe(relay: RelayContext, client: Client, queue: QueueRecord): Promise<void> {
  const { subscription } = relay.delivery.register(client, queue)
  const [outcome] = await relay.store.subscribe([{ recipientId: queue.recipientId }], relay.node)
  if (outcome?.ok !== true) throw new Error("the store refused the subscription")
  relay.delivery.owned(subscription, outcome.owner)
  relay.delivery.settle(subscription, outcome)
}
