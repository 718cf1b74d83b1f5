import { utf8 } from "@sluice/encoding/bytes"
import { StoreError } from "@sluice/notifications/store/store-error"
import { SmpClient } from "@sluice/smp-client/client"
import { describe, expect, it } from "vitest"
import { haveRedis } from "../../packages/redis/test/redis-program.ts"
import { startRedis } from "../../packages/redis/test/start-redis.ts"
import { eventually, TestDevice, TestNotifications } from "../support/notifications.ts"
import { NtfFleet } from "../support/ntf-fleet.ts"
import { TestRelay } from "../support/relay.ts"

/** From the signal to the deadline, and what the lifecycle adds to that, ms. */
const GRACE = 1000
const PATIENCE = 2000

async function timed(stop: Promise<void>): Promise<number> {
  const began = performance.now()
  await stop
  return performance.now() - began
}

describe("the end of a notification server whose store is away", () => {
  it("comes at the deadline while notifications cannot be stored", { timeout: 30_000 }, async () => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start({ store: "memory" })
    await using client = new SmpClient(relay.address)
    const device = await TestDevice.verified(await ntf.connect(), ntf.push)
    const { queue } = await device.notified(client, relay.address)
    let attempts = 0
    ntf.store.recordNotifications = () => {
      attempts++
      return Promise.reject(new StoreError("UNAVAILABLE", "recordNotifications"))
    }
    await client.sendMessage(queue, utf8("hello"), { notify: true })
    await eventually(() => attempts > 0)
    const took = await timed(ntf.server.stop(AbortSignal.timeout(GRACE)))
    expect(took).toBeGreaterThan(GRACE * 0.9)
    expect(took).toBeLessThan(GRACE + PATIENCE)
    expect(attempts).toBeGreaterThan(1)
  })

  it.skipIf(!haveRedis).each(["stop", "pause"] as const)("comes in time after a %s of Redis", async (how) => {
    await using redis = await startRedis({})
    await using fleet = await NtfFleet.start(1, { "redis.nodes": [`127.0.0.1:${redis.port}`] })
    const [node] = fleet.nodes
    if (node === undefined) throw new Error("one node")
    await redis[how]()
    expect(await timed(node.server.stop(AbortSignal.timeout(GRACE)))).toBeLessThan(GRACE + PATIENCE)
  })
})
