import { setImmediate } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { MemoryHub } from "@sluice/fleet/memory-link"
import { ManualClock } from "@sluice/ops/manual-clock"
import { Metrics } from "@sluice/ops/metrics"
import { silentLog } from "@sluice/ops/recording-log"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import type { QueueRecord } from "@sluice/queue-store/records"
import { expect, it } from "vitest"
import { queue as testQueue } from "../../../../packages/queue-store/test/fixtures.ts"
import { seededRandom } from "../../../../test/support/seeded-random.ts"
import { connect, type FakeClient } from "../../test/core-fixture.ts"
import { countFillings } from "../../test/counting-store.ts"
import type { Outgoing } from "../client.ts"
import { ack, send } from "../commands/messages.ts"
import { subscribe } from "../commands/subscriptions.ts"
import type { RelayContext } from "../context.ts"
import { createRelayCore } from "../relay-core.ts"
import { DEFAULT_POLICY } from "../settings.ts"
import { RelayFleet } from "./relay-fleet.ts"

const NODES = ["a", "b", "c"] as const
const QUEUES = 4
const STEPS = 60
const corrId = new Uint8Array(24)

/** Who receives from a queue at present. */
interface Device {
  readonly relay: RelayContext
  readonly fake: FakeClient
  /** Events of the connection that were looked at. */
  seen: number
  delivered: { readonly id: Uint8Array; readonly text: string } | undefined
}

/** Three relays on one store, of which any may be cut off or stand still, and devices that move between them. */
class World {
  readonly clock = new ManualClock()
  readonly hub = new MemoryHub()
  readonly store = countFillings(createMemoryStore())
  readonly relays: RelayContext[] = []
  readonly queues: QueueRecord[] = Array.from({ length: QUEUES }, (_, n) => testQueue(n + 1))
  readonly devices: (Device | undefined)[] = []
  readonly sent: string[][] = this.queues.map(() => [])
  readonly received: string[][] = this.queues.map(() => [])
  /** What was delivered to a device that lost the subscription before it could acknowledge. */
  readonly repeatable = new Set<string>()

  async start(): Promise<void> {
    for (const node of NODES) {
      const { clock, store } = this
      const fleet = new RelayFleet(this.hub.link(node), {
        ...{ clock, log: silentLog, register: new Metrics().register, notificationInterval: 100 },
      })
      const relay = createRelayCore({
        policy: { ...DEFAULT_POLICY, messageQuota: 10_000 },
        ...{ store, crypto: nativeCrypto, clock, log: silentLog, node, neighbours: fleet.neighbours },
      })
      await fleet.start(relay)
      this.relays.push(relay)
    }
    for (const queue of this.queues) await this.store.createQueue(queue)
  }

  async send(node: number, at: number): Promise<void> {
    const [relay, queue] = [this.relays[node] as RelayContext, this.queues[at] as QueueRecord]
    const text = `${at}-${this.sent[at]?.length}`
    const command = { tag: "SEND" as const, flags: { notification: false }, body: utf8(text) }
    const answer = await send(relay, { corrId, entityId: queue.senderId, queue, command }, 20)
    expect(answer.message.tag).toBe("OK")
    this.sent[at]?.push(text)
  }

  async move(node: number, at: number): Promise<void> {
    const [relay, queue] = [this.relays[node] as RelayContext, this.queues[at] as QueueRecord]
    this.look(at)
    const before = this.devices[at]?.delivered
    if (before !== undefined) this.repeatable.add(before.text)
    const fake = connect(relay)
    const device: Device = { relay, fake, seen: 0, delivered: undefined }
    this.devices[at] = device
    const request = { corrId, entityId: queue.recipientId, queue, command: { tag: "SUB" as const } }
    const [answer] = await subscribe(relay, fake.client, [request])
    expect(answer?.message.tag).toBe("SOK")
    if (answer?.followedBy !== undefined) this.arrived(device, answer.followedBy.outgoing)
  }

  /** Takes what the device was pushed. */
  look(at: number): void {
    const device = this.devices[at]
    if (device === undefined) return
    for (; device.seen < device.fake.sent.length; device.seen++) {
      this.arrived(device, device.fake.sent[device.seen] as Outgoing)
    }
  }

  arrived(device: Device, { message }: Pick<Outgoing, "message">): void {
    if (message.tag !== "DELIVER" || message.message.kind !== "message") throw new Error(`a device got ${message.tag}`)
    device.delivered = { id: message.message.id, text: fromUtf8(message.message.body) }
  }

  /** The device acknowledges what it holds; `false` when it holds nothing. */
  async acknowledge(at: number): Promise<boolean> {
    this.look(at)
    const [device, queue] = [this.devices[at], this.queues[at] as QueueRecord]
    if (device?.delivered === undefined) return false
    const { id, text } = device.delivered
    device.delivered = undefined
    this.received[at]?.push(text)
    const command = { tag: "ACK" as const, msgId: id }
    const { message } = await ack(device.relay, device.fake.client, {
      ...{ corrId, entityId: queue.recipientId, queue, command },
    })
    if (message.tag === "DELIVER") this.arrived(device, { message })
    else expect(message.tag).toBe("OK")
    return true
  }

  async settle(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      this.clock.advance(100)
      for (let i = 0; i < 6; i++) await setImmediate()
    }
  }
}

it.each(Array.from({ length: 60 }, (_, n) => n + 1))(
  "everything comes in order, whatever nodes miss (seed %i)",
  async (seed) => {
    const random = seededRandom(seed)
    const below = (n: number): number => Math.floor(random() * n)
    const world = new World()
    await world.start()
    let faulty: { readonly node: string; readonly end: () => void } | undefined
    for (let step = 0; step < STEPS; step++) {
      const [node, at] = [below(3), below(QUEUES)]
      const kind = random()
      if (kind < 0.35) await world.send(node, at)
      else if (kind < 0.6) await world.acknowledge(at)
      else if (kind < 0.7) await world.move(node, at)
      else if (kind < 0.78) await setImmediate()
      else if (kind < 0.84) world.clock.advance(below(300))
      else if (faulty !== undefined) {
        faulty.end()
        faulty = undefined
      } else {
        const name = NODES[node] as string
        const stands = random() < 0.5
        if (stands) world.hub.pause(name)
        else world.hub.cut(name)
        faulty = { node: name, end: () => (stands ? world.hub.resume(name) : world.hub.heal(name)) }
      }
    }
    faulty?.end()
    for (const at of world.queues.keys()) if (world.devices[at] === undefined) await world.move(0, at)
    await world.settle(20_000)
    for (const at of world.queues.keys()) {
      while (await world.acknowledge(at)) await setImmediate()
      const received = world.received[at] ?? []
      const once = received.filter((text, i) => text !== received[i - 1] || !world.repeatable.has(text))
      expect(once).toEqual(world.sent[at])
    }
  },
)
