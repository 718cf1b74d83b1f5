import { nativeCrypto as crypto } from "@sluice/crypto/native"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { utf8 } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import { proposeKeys, publicInvitation } from "@sluice/ratchet/keys"
import { E2E_RANGE } from "@sluice/ratchet/versions"
import type { InvitationRequest } from "@sluice/short-links/connection-request"
import { CLIENT_LAYER_RANGE } from "@sluice/smp-protocol/versions"
import type { AckBy } from "../src/connection/arrival.ts"
import { deliverySucceeded } from "../src/connection/delivered.ts"
import { Draft, type Env, REQUEST_LIMITS, type RequestLimits, type Versions } from "../src/connection/draft.ts"
import { allow, replyQueueCreated, sendQueueSecured } from "../src/connection/handshake.ts"
import { linkParameters } from "../src/connection/invitation-params.ts"
import { emptyConnection, joinInvitation } from "../src/connection/new-connection.ts"
import { addReceiveQueue, type MadeQueue, queueUri } from "../src/connection/new-queues.ts"
import { envelopeOf } from "../src/connection/outgoing.ts"
import { sealForQueue } from "../src/connection/queue-box.ts"
import { receive } from "../src/connection/receive.ts"
import type { AgentEvent } from "../src/events.ts"
import { AGENT_RANGE } from "../src/protocol/versions.ts"
import { memoryStore } from "../src/store/memory-store.ts"
import type { ConnectionRecord } from "../src/store/records.ts"

/*
 * Both sides of a connection without network, disk or time: what one puts into its outgoing order is handed to the other by
 * the test, as often and in the order that it wants.
 */

const kem = createSntrup761(crypto)
const SERVER: Server = { hosts: ["relay.example"], port: "", keyHash: new Uint8Array(32) }

/** Of a queue; `old` ones have no mode. */
export type QueueKind = "messaging" | "contact" | "old"

/** What a relay would have made. */
export function madeQueue(kind: QueueKind = "messaging"): MadeQueue {
  const mode = kind === "old" ? undefined : kind
  const created = {
    recipientId: crypto.randomBytes(24),
    recipientKey: crypto.generateKeyPair("ed25519").privateKey,
    dhSecret: crypto.randomBytes(32),
    senderId: crypto.randomBytes(24),
    mode,
  }
  return { server: SERVER, created, e2eKeys: crypto.generateKeyPair("x25519") }
}

/** A body on its way, and to which queue. */
export interface Packet {
  readonly senderId: Uint8Array
  readonly body: Uint8Array
}

/** One side: its record, and everything that it has told its user. */
export class Side {
  readonly store = memoryStore()
  readonly events: AgentEvent[] = []
  readonly versions: Versions
  limits: RequestLimits = REQUEST_LIMITS
  now = 1_750_000_000_000
  #id: Uint8Array | undefined

  constructor(versions: Partial<Versions> = {}) {
    this.versions = { agent: AGENT_RANGE, client: CLIENT_LAYER_RANGE, e2e: E2E_RANGE, ...versions }
  }

  get env(): Env {
    return { crypto, kem, now: this.now, versions: this.versions, limits: this.limits, store: this.store }
  }

  async record(): Promise<ConnectionRecord> {
    const record = this.#id && (await this.store.get("connections", [this.#id]))
    if (record === undefined) throw new Error("no connection")
    return record
  }

  /** Makes the connection. */
  async begin(
    of: Pick<ConnectionRecord, "kind" | "pq">,
    build: (draft: Draft) => void | Promise<void>,
    more: Partial<ConnectionRecord> = {},
  ): Promise<void> {
    this.#id = crypto.randomBytes(12)
    await this.#apply({ ...emptyConnection(this.env, { id: this.#id, userId: 1, ...of }), ...more }, build)
  }

  async change<T>(build: (draft: Draft) => T | Promise<T>): Promise<T> {
    return await this.#apply(await this.record(), build)
  }

  /** Hands a body to the queue that it is for. */
  async receive({ senderId, body }: Packet, serverId: Uint8Array = crypto.randomBytes(24)): Promise<AckBy> {
    return await this.change((draft) => {
      const queue = draft.record.receiveQueues.find((one) => Buffer.compare(one.senderId, senderId) === 0)
      if (queue === undefined) throw new Error("no such queue")
      return receive(draft, queue, { serverId, serverTime: 1_750_000_000, notify: true, body })
    })
  }

  /** Everything in the outgoing order, which counts as delivered. */
  async take(): Promise<Packet[]> {
    const packets: Packet[] = []
    for (const delivery of await this.store.list("deliveries")) {
      await this.change(async (draft) => {
        const sent = await this.store.get("sent", [draft.id, delivery.sentId])
        const queue = draft.sendQueue(delivery.queue)
        if (sent?.content === undefined || queue === undefined) throw new Error("nothing to send")
        const confirmation = sent.kind === "CONFIRMATION"
        packets.push({
          senderId: queue.senderId,
          body: sealForQueue(this.env, queue, envelopeOf(draft, sent.content), confirmation),
        })
        await deliverySucceeded(draft, delivery, sent, undefined)
      })
    }
    return packets
  }

  /** Takes the events so far. */
  told(): AgentEvent[] {
    return this.events.splice(0)
  }

  async #apply<T>(record: ConnectionRecord, build: (draft: Draft) => T | Promise<T>): Promise<T> {
    const draft = new Draft(this.env, record)
    const result = await build(draft)
    await this.store.commit(draft.commit())
    this.events.push(...draft.events)
    return result
  }
}

/** An initiator with an invitation, and the request in it. */
export async function inviting(
  pq = false,
  kind: QueueKind = "messaging",
): Promise<{ side: Side; request: InvitationRequest }> {
  const side = new Side()
  const keys = proposeKeys({ crypto, kem }, pq)
  await side.begin({ kind: "invitation", pq }, (draft) => void addReceiveQueue(draft, madeQueue(kind)), { keys })
  const [queue] = (await side.record()).receiveQueues
  if (queue === undefined) throw new Error("no queue")
  const e2e = linkParameters(publicInvitation(keys, side.versions.e2e))
  return {
    side,
    request: { kind: "invitation", agentVersions: AGENT_RANGE, queues: [queueUri(queue, side.versions.client)], e2e },
  }
}

/** A joiner whose confirmation is ready to be sent. */
export async function joining(request: InvitationRequest, pq = false, kind: QueueKind = "messaging"): Promise<Side> {
  const side = new Side()
  await side.begin({ kind: "joined", pq }, (draft) => {
    joinInvitation(draft, request, { info: utf8("joiner"), pq, server: SERVER, onlyCreate: false })
    sendQueueSecured(draft, 1)
    replyQueueCreated(draft, madeQueue(kind))
  })
  return side
}

/** Accepts the only confirmation. */
export async function allowing(side: Side): Promise<void> {
  await side.change((draft) => {
    const [confirmation] = draft.record.confirmations
    if (confirmation === undefined) throw new Error("no confirmation")
    allow(draft, confirmation, utf8("initiator"))
    for (const { key } of draft.record.sendQueues) sendQueueSecured(draft, key)
  })
}

/** Two sides that are connected. */
export async function connectedSides(pq = false): Promise<{ alice: Side; bob: Side }> {
  const { side: alice, request } = await inviting(pq)
  const bob = await joining(request, pq)
  for (const packet of await bob.take()) await alice.receive(packet)
  await allowing(alice)
  for (const packet of await alice.take()) await bob.receive(packet)
  alice.told()
  bob.told()
  return { alice, bob }
}
