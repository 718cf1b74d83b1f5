import { setTimeout as delay } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { equalBytes, fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { redisLink } from "@sluice/fleet/redis-link"
import { systemClock } from "@sluice/ops/clock"
import { Metrics } from "@sluice/ops/metrics"
import { silentLog } from "@sluice/ops/recording-log"
import type { QueueRecord } from "@sluice/queue-store/records"
import { openRedisStore } from "@sluice/queue-store/redis/redis-store"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import type { Outgoing } from "@sluice/relay/client"
import { ack, send } from "@sluice/relay/commands/messages"
import { subscribe } from "@sluice/relay/commands/subscriptions"
import type { RelayContext } from "@sluice/relay/context"
import { RelayFleet } from "@sluice/relay/fleet/relay-fleet"
import { createRelayCore } from "@sluice/relay/relay-core"
import { DEFAULT_POLICY } from "@sluice/relay/settings"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { queue as testQueue } from "../../packages/queue-store/test/fixtures.ts"
import { haveRedis } from "../../packages/redis/test/redis-program.ts"
import { startCluster } from "../../packages/redis/test/start-cluster.ts"
import { startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { connect } from "../../services/relay/test/core-fixture.ts"
import { createQueue } from "../support/queue.ts"
import { TestRelay } from "../support/relay.ts"
import { seededRandom } from "../support/seeded-random.ts"
import { secureAsSender, store, take } from "../support/steps.ts"

/** Hints that carry messages, on a real Redis (docs/cluster.md). */
describe.skipIf(!haveRedis)("messages that hints carry", () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis[Symbol.asyncDispose]())

  test("reach a recipient on another node without a reading of the queue", async () => {
    const settings = { "redis.nodes": [`127.0.0.1:${redis.port}`], "redis.durability": "memory" }
    await using fleet = await TestRelay.start({ nodes: 2, store: "redis", settings })
    const peek = vi.spyOn(fleet.store, "peek")
    const [r, s] = [await fleet.connectTo(0), await fleet.connectTo(1)]
    const queue = await createQueue(r)
    await secureAsSender(s, queue)
    for (let n = 0; n < 20; n++) {
      const text = `${n}`.padEnd(n % 2 === 0 ? 1 : 16_048, ".")
      await store(s, queue, text)
      await take(r, queue, text)
    }
    expect(peek).not.toHaveBeenCalled()
    expect(await fleet.metrics()).toMatch(/^sluice_fleet_messages_carried_total\{outcome="pushed"\} 20$/m)
    expect(await fleet.metrics()).toMatch(/^sluice_fleet_messages_carried_total\{outcome="read"\} 0$/m)
  })

  test("stay in the store in a Cluster, which would copy them to all its servers", async () => {
    await using cluster = await startCluster({ masters: 3 })
    const nodes = cluster.config().nodes.map(({ host, port }) => `${host}:${port}`)
    const settings = { "redis.kind": "cluster", "redis.nodes": nodes, "redis.durability": "memory" }
    await using fleet = await TestRelay.start({ nodes: 2, store: "redis", settings })
    const [r, s] = [await fleet.connectTo(0), await fleet.connectTo(1)]
    const queue = await createQueue(r)
    await secureAsSender(s, queue)
    for (const text of ["1", "2", "3"]) {
      await store(s, queue, text)
      await take(r, queue, text)
    }
    expect(await fleet.metrics()).toMatch(/^sluice_fleet_messages_carried_total\{outcome="pushed"\} 0$/m)
  })

  test.each([1, 2, 3])("come once and in order, however late they are (seed %i)", async (seed) => {
    await using world = new World(redis, seed)
    await world.start()
    await world.run()
    for (const at of world.queues.keys()) expect(world.received[at]).toEqual(world.sent[at])
    const text = await world.metrics.render()
    const used = (outcome: string): number => {
      const found = new RegExp(`^sluice_fleet_messages_carried_total\\{outcome="${outcome}"\\} (\\d+)$`, "m").exec(text)
      return Number(found?.[1])
    }
    expect(used("pushed")).toBeGreaterThan(5)
    expect(used("read")).toBeGreaterThan(5)
  })
})

const QUEUES = 8
/** Messages that one sender sends to one queue. */
const EACH = 40
const corrId = new Uint8Array(24)

/** Two nodes with a sender each, whose hints are late by up to some milliseconds, and a recipient on a third. */
class World implements AsyncDisposable {
  readonly metrics = new Metrics()
  readonly queues: QueueRecord[]
  /** Texts of each queue by the sender, in order. */
  readonly sent: string[][][]
  readonly received: string[][][]
  readonly #redis: TestRedis
  readonly #random: () => number
  readonly #prefix: string
  readonly #open: { readonly connection: RedisConnection; readonly fleet: RelayFleet }[] = []
  readonly #relays: RelayContext[] = []

  constructor(redis: TestRedis, seed: number) {
    this.#redis = redis
    this.#random = seededRandom(seed)
    this.#prefix = `late ${seed}:`
    this.queues = Array.from({ length: QUEUES }, (_, n) => testQueue(n + 1))
    this.sent = this.queues.map(() => [[], []])
    this.received = this.queues.map(() => [[], []])
  }

  async start(): Promise<void> {
    for (const node of ["recipient", "a", "b"]) await this.#node(node)
    for (const queue of this.queues) await this.#relay(0).store.createQueue(queue)
  }

  /** All senders send, and the device acknowledges, until everything has arrived. */
  async run(): Promise<void> {
    const relay = this.#relay(0)
    const device = connect(relay)
    const { client } = device
    let arrived = 0
    const acknowledge = async ({ entityId, message }: Pick<Outgoing, "entityId" | "message">): Promise<void> => {
      if (message.tag !== "DELIVER" || message.message.kind !== "message") throw new Error(`it got ${message.tag}`)
      const at = this.queues.findIndex(({ recipientId }) => equalBytes(recipientId, entityId))
      const queue = this.queues[at] as QueueRecord
      const text = fromUtf8(message.message.body)
      this.received[at]?.[Number(text[0])]?.push(text)
      arrived++
      if (this.#random() < 0.2) await delay(this.#random() * 4)
      const command = { tag: "ACK" as const, msgId: message.message.id }
      const answer = await ack(relay, client, { corrId, entityId, queue, command })
      if (answer.message.tag === "DELIVER") await acknowledge({ entityId, message: answer.message })
      else expect(answer.message.tag).toBe("OK")
    }
    const running = new Set<Promise<void>>()
    vi.spyOn(client.connection, "push").mockImplementation((batch) => {
      for (const event of batch) running.add(acknowledge(event))
    })
    const requests = this.queues.map((queue) => {
      return { corrId, entityId: queue.recipientId, queue, command: { tag: "SUB" as const } }
    })
    for (const answer of await subscribe(relay, client, requests)) expect(answer.message.tag).toBe("SOK")
    const sending = Promise.all([...this.queues.keys()].flatMap((at) => [0, 1].map((sender) => this.#send(sender, at))))
    const sent = sending.then(() => true)
    // Queues are also read for other reasons, which overtakes hints that are on their way.
    while (!(await Promise.race([sent, delay(this.#random() * 5)]))) {
      for (const subscription of relay.delivery.subscriptions()) {
        if (this.#random() < 0.5) relay.delivery.lookAgain(subscription)
      }
    }
    await vi.waitFor(() => expect(arrived).toBeGreaterThanOrEqual(2 * EACH * QUEUES), 10_000)
    // What comes twice would come now at the latest.
    await delay(60)
    await Promise.all(running)
    expect(arrived).toBe(2 * EACH * QUEUES)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { fleet } of this.#open) await fleet.stop()
    for (const { connection } of this.#open) await connection.close()
  }

  async #send(sender: number, at: number): Promise<void> {
    const queue = this.queues[at] as QueueRecord
    for (let n = 0; n < EACH; n++) {
      const text = `${sender} ${n}`
      this.sent[at]?.[sender]?.push(text)
      const command = { tag: "SEND" as const, flags: { notification: false }, body: utf8(text) }
      const answer = await send(this.#relay(1 + sender), { corrId, entityId: queue.senderId, queue, command }, 20)
      expect(answer.message.tag).toBe("OK")
      await delay(this.#random() * 40)
    }
  }

  #relay(index: number): RelayContext {
    const relay = this.#relays[index]
    if (relay === undefined) throw new Error("the world has not started")
    return relay
  }

  async #node(node: string): Promise<void> {
    const config = this.#redis.config({ prefix: this.#prefix })
    const connection = openRedis(config, { log: silentLog, clock: systemClock })
    await connection.ready(10_000)
    const link = redisLink({ redis: connection })({ node, clock: systemClock })
    const { publish } = link
    let last = Promise.resolve()
    // In order, as one sender's payloads are, and each late by itself.
    vi.spyOn(link, "publish").mockImplementation((to, payload) => {
      const late = this.#random() < 0.8 ? 0 : this.#random() * 10
      last = last.then(() => (late === 0 ? undefined : delay(late))).then(() => publish.call(link, to, payload))
      return last
    })
    const register = node === "recipient" ? this.metrics.register : new Metrics().register
    const fleet = new RelayFleet(link, { clock: systemClock, log: silentLog, register, notificationInterval: 100 })
    const relay = createRelayCore({
      policy: { ...DEFAULT_POLICY, messageQuota: 10_000 },
      store: openRedisStore({ connection }),
      ...{ crypto: nativeCrypto, clock: systemClock, log: silentLog, node, neighbours: fleet.neighbours },
    })
    await fleet.start(relay)
    this.#open.push({ connection, fleet })
    this.#relays.push(relay)
  }
}
