import { setImmediate } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { MemoryHub } from "@sluice/fleet/memory-link"
import type { NodeLink } from "@sluice/fleet/node-link"
import { ManualClock } from "@sluice/ops/manual-clock"
import { Metrics } from "@sluice/ops/metrics"
import { silentLog } from "@sluice/ops/recording-log"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import type { QueueStore } from "@sluice/queue-store/queue-store"
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

const QUEUES = 3
const STEPS = 1500
const corrId = new Uint8Array(24)

/** A connection: what is on its way arrives in order, one after the other, when somebody says so. */
class Line {
  readonly #waiting: (() => void)[] = []

  carry(arrive: () => void): void {
    this.#waiting.push(arrive)
  }

  /** Lets the first arrive; `false` when nothing is on its way. */
  step(): boolean {
    const arrive = this.#waiting.shift()
    arrive?.()
    return arrive !== undefined
  }
}

/** The store as a node sees it behind two lines: requests take effect when they arrive, and their answers come later. */
function distant(store: QueueStore, requests: Line, answers: Line): QueueStore {
  const far = <T>(run: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      requests.carry(() => {
        const result = run()
        answers.carry(() => void result.then(resolve, reject))
      })
    })
  return {
    ...store,
    enqueue: (...args) => far(() => store.enqueue(...args)),
    acknowledge: (...args) => far(() => store.acknowledge(...args)),
    peek: (...args) => far(() => store.peek(...args)),
    subscribe: (...args) => far(() => store.subscribe(...args)),
  }
}

/** A link whose payloads to one node arrive late. */
function late(link: NodeLink, line: Line): NodeLink {
  return Object.assign(Object.create(link) as NodeLink, {
    start: (...args: Parameters<NodeLink["start"]>) => link.start(...args),
    stop: () => link.stop(),
    holdsLease: () => link.holdsLease(),
    broadcast: (payload: Uint8Array) => link.broadcast(payload),
    nextOrder: () => link.nextOrder(),
    publish: (node: string, payload: Uint8Array) =>
      new Promise<void>((resolve, reject) => line.carry(() => void link.publish(node, payload).then(resolve, reject))),
  })
}

/** Two nodes that senders use, and one where the recipient is, far from their store and from each other. */
class World {
  readonly hub = new MemoryHub()
  readonly store: QueueStore
  readonly clock = new ManualClock()
  readonly metrics = new Metrics()
  readonly senders: RelayContext[] = []
  readonly lines: Line[] = []
  readonly queues: QueueRecord[] = Array.from({ length: QUEUES }, (_, n) => testQueue(n + 1))
  readonly running = new Set<Promise<void>>()
  readonly sent: number[] = this.queues.map(() => 0)
  /** Messages in the order in which they were stored. */
  readonly stored: string[][] = this.queues.map(() => [])
  readonly received: string[][] = this.queues.map(() => [])
  /** What the device holds of each queue and has not acknowledged. */
  readonly held: (Uint8Array | undefined)[] = this.queues.map(() => undefined)
  #recipient: RelayContext | undefined
  #device: FakeClient | undefined
  #seen = 0

  constructor() {
    const store = countFillings(createMemoryStore())
    this.store = {
      ...store,
      enqueue: (id, message, options) => {
        this.stored[this.#numberOf(id)]?.push(fromUtf8(message.body))
        return store.enqueue(id, message, options)
      },
    }
  }

  async start(): Promise<void> {
    this.senders.push(await this.#node("a"), await this.#node("b"))
    this.#recipient = await this.#node("r", this.metrics)
    this.#device = connect(this.recipient)
    for (const queue of this.queues) {
      await this.store.createQueue(queue)
      const request = { corrId, entityId: queue.recipientId, queue, command: { tag: "SUB" as const } }
      this.#run(subscribe(this.recipient, this.#device.client, [request]))
    }
    await this.settle()
  }

  get recipient(): RelayContext {
    if (this.#recipient === undefined) throw new Error("the world has not started")
    return this.#recipient
  }

  send(node: number, at: number): void {
    const [relay, queue] = [this.senders[node] as RelayContext, this.queues[at] as QueueRecord]
    const n = this.sent[at] ?? 0
    this.sent[at] = n + 1
    const command = { tag: "SEND" as const, flags: { notification: false }, body: utf8(`${n}`) }
    this.#run(send(relay, { corrId, entityId: queue.senderId, queue, command }, 20))
  }

  acknowledge(at: number): boolean {
    this.#look()
    const [id, queue, device] = [this.held[at], this.queues[at] as QueueRecord, this.#device]
    if (id === undefined || device === undefined) return false
    this.held[at] = undefined
    const command = { tag: "ACK" as const, msgId: id }
    const request = { corrId, entityId: queue.recipientId, queue, command }
    const answered = Promise.resolve(ack(this.recipient, device.client, request)).then((answer) => {
      if (answer.message.tag === "DELIVER") this.#arrived({ entityId: queue.recipientId, message: answer.message })
      else expect(answer.message.tag).toBe("OK")
    })
    this.#run(answered)
    return true
  }

  /** Everything that is on its way has arrived, and what follows from it. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 5; quiet++) {
      await setImmediate()
      for (const line of this.lines) while (line.step()) quiet = 0
    }
    expect(this.running.size).toBe(0)
  }

  #look(): void {
    for (; this.#seen < (this.#device?.sent.length ?? 0); this.#seen++) {
      this.#arrived(this.#device?.sent[this.#seen] as Outgoing)
    }
  }

  #arrived({ entityId, message }: Pick<Outgoing, "entityId" | "message">): void {
    if (message.tag !== "DELIVER" || message.message.kind !== "message")
      throw new Error(`the device got ${message.tag}`)
    const at = this.#numberOf(entityId)
    this.received[at]?.push(fromUtf8(message.message.body))
    this.held[at] = message.message.id
  }

  #numberOf(id: Uint8Array): number {
    return this.queues.findIndex(({ recipientId }) => Buffer.compare(recipientId, id) === 0)
  }

  async #node(node: string, { register } = new Metrics()): Promise<RelayContext> {
    const [requests, answers, publications] = [new Line(), new Line(), new Line()]
    this.lines.push(requests, answers, publications)
    const fleet = new RelayFleet(late(this.hub.link(node), publications), {
      ...{ clock: this.clock, log: silentLog, register, notificationInterval: 100 },
    })
    const relay = createRelayCore({
      policy: { ...DEFAULT_POLICY, messageQuota: 10_000 },
      store: distant(this.store, requests, answers),
      ...{ crypto: nativeCrypto, clock: this.clock, log: silentLog, node, neighbours: fleet.neighbours },
    })
    await fleet.start(relay)
    return relay
  }

  #run(work: Promise<unknown>): void {
    const running = work.then(() => void this.running.delete(running))
    this.running.add(running)
  }
}

const used = { pushed: 0, read: 0 }

it.each(Array.from({ length: 150 }, (_, n) => n + 1))(
  "everything comes once and in order, however late hints are (seed %i)",
  async (seed) => {
    const random = seededRandom(seed)
    const below = (n: number): number => Math.floor(random() * n)
    const world = new World()
    await world.start()
    // Some lines are slow in this run, so that what goes over others overtakes them by far.
    const weights = world.lines.map(() => (random() < 0.3 ? 0.1 : 1))
    const sending = 0.02 + 0.05 * random()
    for (let step = 0; step < STEPS; step++) {
      const kind = random()
      if (kind < sending) world.send(below(2), below(QUEUES))
      else if (kind < sending + 0.15) world.acknowledge(below(QUEUES))
      else if (kind < sending + 0.16) {
        for (const subscription of world.recipient.delivery.subscriptions())
          world.recipient.delivery.lookAgain(subscription)
      } else {
        const at = below(world.lines.length)
        if (random() < (weights[at] ?? 1)) world.lines[at]?.step()
      }
      if (random() < 0.7) await setImmediate()
    }
    await world.settle()
    for (const at of world.queues.keys()) {
      while (world.acknowledge(at)) await world.settle()
      expect(world.stored[at]).toHaveLength(world.sent[at] ?? 0)
      expect(world.received[at]).toEqual(world.stored[at])
    }
    const text = await world.metrics.render()
    for (const outcome of ["pushed", "read"] as const) {
      const line = new RegExp(`^sluice_fleet_messages_carried_total\\{outcome="${outcome}"\\} (\\d+)$`, "m").exec(text)
      used[outcome] += Number(line?.[1])
    }
  },
)

it("hints came in time, and too late", () => {
  expect(used.pushed).toBeGreaterThan(300)
  expect(used.read).toBeGreaterThan(300)
})
