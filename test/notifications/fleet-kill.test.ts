import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { utf8 } from "@sluice/encoding/bytes"
import { connectNtf } from "@sluice/ntf-client/connect"
import { SmpClient } from "@sluice/smp-client/client"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { haveRedis } from "../../packages/redis/test/redis-program.ts"
import { startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { RelayProcess } from "../support/kill-process.ts"
import { eventually } from "../support/notifications.ts"
import { NotificationsProcess } from "../support/notifications-process.ts"
import { startPushService } from "../support/push-service.ts"
import { PushedMessages } from "../support/pushed-messages.ts"

const NODES = 3
const DEVICES = 8
const QUEUES = 3
/** How long the push service thinks about a push: a moment in which the server can be killed, ms. */
const PUSH_TAKES = 30
/**
 * What is killed, or stands still for a while, while pushes are under way; every node once each, so that the owner of the
 * relay is among them.
 */
const FAULTS = ["node 0", "relay", "node 1", "redis", "node 2", "pause 0", "pause 1", "pause 2", "nothing"] as const

describe.skipIf(!haveRedis)("three notification servers on one Redis", () => {
  let folder: string
  let redis: TestRedis

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-ntf-fleet-kill-"))
    redis = await startRedis({ appendonly: true })
  })
  afterAll(async () => {
    await redis[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  it("lose no notification when one of them, the relay or Redis is killed, or one stands still", {
    timeout: 180_000,
  }, async () => {
    const settings = {
      "notifications.store": "redis",
      "notifications.lease": "1s",
      // One after the other, so that a process that is killed leaves some that are stored and not sent.
      "notifications.push_concurrency": 1,
      "redis.nodes": [`127.0.0.1:${redis.port}`],
    }
    await using stack = new AsyncDisposableStack()
    const push = stack.use(await startPushService("APNs"))
    push.delay = PUSH_TAKES
    const pushed = new PushedMessages(push)
    const relay = stack.use(new RelayProcess(join(folder, "relay")))
    const nodes = Array.from({ length: NODES }, () =>
      stack.use(new NotificationsProcess(join(folder, "ntf"), push, settings)),
    )
    relay.spawn()
    await relay.ready()
    for (const node of nodes) await node.start()
    const client = stack.use(new SmpClient(relay.address, { backoff: { initialMs: 50, maxMs: 200 } }))
    for (let i = 0; i < DEVICES; i++) {
      const connection = await connectNtf((nodes[i % NODES] as NotificationsProcess).address)
      await pushed.add(connection, client, relay.address, QUEUES)
      await connection.close()
    }

    let accepted = 0
    let pushesLeft = 0
    const took: string[] = []
    for (const what of FAULTS) {
      const before = pushed.told
      const sent = await Promise.allSettled(
        pushed.queues.map((queue) => client.sendMessage(queue, utf8("x"), { notify: true })),
      )
      accepted += sent.filter(({ status }) => status === "fulfilled").length
      // What was stored is pushed from then on; what a relay has just sent to a process that dies is gone, as the protocol
      // has no acknowledgement for it.
      if (what !== "relay") await eventually(() => pushed.told > before)
      const began = performance.now()
      if (what === "relay") {
        await relay.kill()
        relay.spawn()
        await relay.ready()
      } else if (what === "redis") {
        await redis.kill()
        await redis.start()
      } else if (what.startsWith("pause")) {
        const node = nodes[Number(what.at(-1))] as NotificationsProcess
        node.pause()
        await until(() => pushed.told >= accepted)
        node.resume()
      } else if (what !== "nothing") {
        const node = nodes[Number(what.at(-1))] as NotificationsProcess
        await node.kill()
        pushesLeft += accepted - pushed.told
        // Nobody starts it again before the others have done its work.
        await until(() => pushed.told >= accepted)
        await node.start()
      }
      await until(() => pushed.told >= accepted)
      took.push(`${what} ${((performance.now() - began) / 1000).toFixed(1)} s`)
    }
    // Servers that stood still found that others had subscribed, and must not have noted that as the end of anything.
    const connection = await connectNtf((nodes[0] as NotificationsProcess).address)
    for (const { id, key } of pushed.subscriptions) {
      expect(await connection.checkSubscription(id, key)).toEqual({ type: "ACTIVE" })
    }
    await connection.close()
    const lost = accepted - pushed.told
    console.log(
      `${accepted} messages, ${pushed.told} notified, ${lost} lost, ${pushed.pushes} pushes, ` +
        `${pushed.withoutNews} of them without news; ${pushesLeft} were not pushed yet when a server was killed; time until all had arrived after what happened: ${took.join(", ")}`,
    )
    expect(pushesLeft).toBeGreaterThan(0)
    expect(accepted).toBe(DEVICES * QUEUES * FAULTS.length)
    expect(lost).toBe(0)
    // Pushes that were taken when their process died, before that was noted, go out once more: one for each device.
    expect(pushed.withoutNews).toBeLessThanOrEqual(DEVICES * (FAULTS.length - 1))
  })
})

/** Waits for up to half a minute; what did not come then is counted as lost. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!holds() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
}
