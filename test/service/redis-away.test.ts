import { setTimeout as wait } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import { haveRedis } from "../../packages/redis/test/redis-program.ts"
import { until } from "../../packages/redis/test/start-cluster.ts"
import { startRedis } from "../../packages/redis/test/start-redis.ts"
import { startSentinel } from "../../packages/redis/test/start-sentinel.ts"
import { createQueue, OK } from "../support/queue.ts"
import { TestRelay } from "../support/relay.ts"
import { ack, delivered, receive, sendTo } from "../support/steps.ts"

/** How long Redis is away, seconds; `SLUICE_REDIS_AWAY=60` is a minute. */
const AWAY = Number(process.env["SLUICE_REDIS_AWAY"] ?? 1)
/** Time until all is well again: the longest pause between two attempts to connect is 2 s. */
const BACK_WITHIN = 6_000

async function areReady(fleet: TestRelay): Promise<boolean> {
  const states = [0, 1].map(async (index) => {
    const { port } = fleet.node(index).relay.adminAddress
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200
  })
  return (await Promise.all(states)).every((ready) => ready)
}

describe.skipIf(!haveRedis)("Redis that is away for longer than the leases", () => {
  test.each(["gone", "silent"] as const)("%s", { timeout: (AWAY + 60) * 1000 }, async (how) => {
    await using redis = await startRedis({ appendonly: true })
    const settings = {
      ...{ "redis.nodes": [`127.0.0.1:${redis.port}`], "redis.durability": "fsync" },
      ...{ "redis.command_timeout": "300ms", "fleet.lease": "600ms" },
    }
    await using fleet = await TestRelay.start({ nodes: 2, store: "redis", settings })
    const [r, s] = [await fleet.connectTo(0), await fleet.connectTo(1)]
    const queue = await createQueue(r)
    expect(await sendTo(s, queue, "before")).toEqual(OK)
    const before = await receive(r, queue)

    if (how === "gone") await redis.kill()
    else redis.pause()
    const lost = performance.now()
    let refused = 0
    while (performance.now() - lost < AWAY * 1000) {
      expect(await sendTo(s, queue, "lost")).toMatchObject({ tag: "ERR", error: { type: "STORE" } })
      refused++
      // Connections stay and answer what needs no store; no node is ready.
      await Promise.all([r.quiet(), s.quiet()])
      expect(await areReady(fleet)).toBe(false)
      await wait(100)
    }
    if (how === "gone") await redis.start()
    else redis.resume()
    const back = performance.now()
    await until(() => areReady(fleet))
    expect(performance.now() - back).toBeLessThan(BACK_WITHIN)
    console.log(`${refused} refused in ${AWAY} s, ready again ${Math.round(performance.now() - back)} ms after Redis`)

    // Nobody lost a subscription by it. A silent Redis may have done what was answered as failed.
    expect(await sendTo(s, queue, "after")).toEqual(OK)
    let next = delivered(queue, await ack(r, queue, before))
    while (next.text === "lost" && how === "silent") next = delivered(queue, await ack(r, queue, next))
    expect(next.text).toBe("after")
    expect(await ack(r, queue, next)).toEqual(OK)
    await r.quiet()
  })

  test("a primary that Sentinels replace", { timeout: 60_000 }, async () => {
    await using sentinel = await startSentinel({ appendonly: true })
    const settings = {
      ...{ "redis.kind": "sentinel", "redis.sentinel_name": "test", "redis.durability": "memory" },
      ...{ "redis.nodes": [`127.0.0.1:${sentinel.sentinel.port}`], "fleet.lease": "600ms" },
    }
    await using fleet = await TestRelay.start({ nodes: 2, store: "redis", settings })
    const [r, s] = [await fleet.connectTo(0), await fleet.connectTo(1)]
    const queue = await createQueue(r)
    expect(await sendTo(s, queue, "before")).toEqual(OK)
    const before = await receive(r, queue)
    const former = await sentinel.primaryPort()
    // Behind everything that was stored: the replica has it.
    await sentinel.primary.command("SET", "last", "1")
    await sentinel.primary.command("WAIT", 1, 1_000)
    await sentinel.primary.kill()
    expect((await sendTo(s, queue, "lost")).tag).toBe("ERR")
    await until(async () => (await sentinel.primaryPort()) !== former && (await areReady(fleet)))
    expect(await sendTo(s, queue, "after")).toEqual(OK)
    const next = delivered(queue, await ack(r, queue, before))
    expect(next.text).toBe("after")
    expect(await ack(r, queue, next)).toEqual(OK)
    await r.quiet()
  })
})
