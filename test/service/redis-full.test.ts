import { setTimeout as wait } from "node:timers/promises"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { describe, expect, test } from "vitest"
import { haveRedis } from "../../packages/redis/test/redis-program.ts"
import { until } from "../../packages/redis/test/start-cluster.ts"
import { startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { createQueue, OK } from "../support/queue.ts"
import { TestRelay } from "../support/relay.ts"
import { ack, delivered, sendTo, subWithMessage } from "../support/steps.ts"

/** What relays do every half minute, they do three times a second. */
const clock: Clock = {
  ...systemClock,
  setTimeout: (run, delay, options) => systemClock.setTimeout(run, delay === 30_000 ? 300 : delay, options),
}
/** How long messages are kept, and how many there are of them. */
const TTL = 1_000
const MESSAGES = 120
const BODY = new Uint8Array(16_000)

const usedMemory = async (redis: TestRedis): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(String(await redis.command("INFO", "memory")))?.[1])

async function readiness(relay: TestRelay): Promise<number> {
  return (await fetch(`http://127.0.0.1:${relay.relay.adminAddress.port}/readyz`)).status
}

/** A metric of all nodes, added up. */
async function sum(fleet: TestRelay, metric: string): Promise<number> {
  const values = [0, 1].map(async (index) => {
    const { port } = fleet.node(index).relay.adminAddress
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    return Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${metric} `))
        ?.split(" ")[1],
    )
  })
  return (await Promise.all(values)).reduce((total, value) => total + value, 0)
}

describe.skipIf(!haveRedis)("a Redis that is full", () => {
  test("old messages go nevertheless, once in the fleet, and then there is room again", {
    timeout: 60_000,
  }, async () => {
    await using redis = await startRedis()
    const settings = {
      ...{ "redis.nodes": [`127.0.0.1:${redis.port}`], "redis.durability": "memory", "relay.message_quota": 1_000 },
      // By itself nothing would expire in the time of this test.
      ...{ "relay.message_ttl": `${TTL}ms`, "relay.message_check_interval": "2h" },
    }
    await using fleet = await TestRelay.start({ nodes: 2, store: "redis", settings, clock })
    const [r, s] = [await fleet.connectTo(0), await fleet.connectTo(1)]
    const queue = await createQueue(r, { subscription: "create-only" })
    const empty = await usedMemory(redis)
    for (let i = 0; i < MESSAGES; i++) expect(await sendTo(s, queue, BODY)).toEqual(OK)
    const used = await usedMemory(redis)
    expect(used - empty).toBeGreaterThan(MESSAGES * BODY.length)
    await wait(TTL + 1_000)
    const limit = Math.round((empty + used) / 2)
    await redis.command("CONFIG", "SET", "maxmemory", limit)
    expect(await sendTo(s, queue, BODY)).toMatchObject({ tag: "ERR", error: { type: "STORE" } })

    const runs = 'sluice_job_runs_total{job="expire-messages"}'
    await until(async () => (await usedMemory(redis)) < limit)
    await until(async () => (await sum(fleet, "sluice_job_queue_full")) === 0)
    expect(await sum(fleet, runs)).toBe(1)
    expect(fleet.log.entries.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/has no room for the queue/),
    )
    expect(fleet.relay.statistics.msgExpired + fleet.node(1).relay.statistics.msgExpired).toBe(MESSAGES)
    expect(await sendTo(s, queue, BODY)).toEqual(OK)
  })

  test("relays stay ready, and recipients that connect make room", { timeout: 60_000 }, async () => {
    await using redis = await startRedis()
    const settings = {
      ...{ "redis.nodes": [`127.0.0.1:${redis.port}`], "redis.durability": "memory", "relay.message_quota": 1_000 },
    }
    await using fleet = await TestRelay.start({ nodes: 2, store: "redis", settings, clock })
    const s = await fleet.connectTo(1)
    const queue = await createQueue(await fleet.connectTo(0), { subscription: "create-only" })
    const empty = await usedMemory(redis)
    for (let i = 0; i < MESSAGES; i++) expect(await sendTo(s, queue, BODY)).toEqual(OK)
    await redis.command("CONFIG", "SET", "maxmemory", Math.round((empty + (await usedMemory(redis))) / 2))
    expect(await sendTo(s, queue, BODY)).toMatchObject({ tag: "ERR", error: { type: "STORE" } })
    expect(await readiness(fleet)).toBe(200)
    await until(async () => (await sum(fleet, "sluice_job_queue_full")) > 0)

    const r = await fleet.connectTo(0)
    let { first: message } = await subWithMessage(r, queue)
    const acknowledge = async (): Promise<void> => {
      message = delivered(queue, await ack(r, queue, message))
    }
    await acknowledge()
    // Both nodes read the numbers every five seconds; what changed while Redis is full is in them.
    await until(async () => (await sum(fleet, "simplex_smp_messages_total")) === 2 * (MESSAGES - 1))
    expect(await sum(fleet, "sluice_job_queue_full")).toBeGreaterThan(0)
    expect(await readiness(fleet)).toBe(200)
    let acknowledged = 1
    for (; (await sendTo(s, queue, BODY)).tag === "ERR"; acknowledged++) await acknowledge()
    expect(acknowledged).toBeGreaterThan(MESSAGES / 4)
    expect(acknowledged).toBeLessThan(MESSAGES)
    const messages = fleet.log.entries.map(({ message: text }) => text)
    // It was there all the time.
    expect(messages).not.toContain("the store answers again")
    expect(messages).not.toContain("job failed")
  })

  test("a relay stops and starts on it, and is whole when it has room", { timeout: 60_000 }, async () => {
    await using redis = await startRedis()
    const settings = { "redis.nodes": [`127.0.0.1:${redis.port}`], "redis.durability": "memory" }
    await using relay = await TestRelay.start({ store: "redis", settings, clock })
    const queue = await createQueue(await relay.connect())
    expect(await sendTo(await relay.connect(), queue, "kept")).toEqual(OK)
    await redis.command("CONFIG", "SET", "maxmemory", 1)
    await relay.stop()
    // Jobs have to be scheduled anew, which is not possible now.
    await redis.command("DEL", "{sluice:jobs}:jobs:repeat")
    await relay.start()
    expect((await subWithMessage(await relay.connect(), queue)).first.text).toBe("kept")
    expect((await sendTo(await relay.connect(), queue, "refused")).tag).toBe("ERR")
    await redis.command("CONFIG", "SET", "maxmemory", 0)
    await until(async () => (await redis.command("EXISTS", "{sluice:jobs}:jobs:repeat")) === 1)
  })
})
