import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { utf8 } from "@sluice/encoding/bytes"
import { connectNtf } from "@sluice/ntf-client/connect"
import { SmpClient } from "@sluice/smp-client/client"
import { afterAll, beforeAll, expect, it } from "vitest"
import { RelayProcess } from "../support/kill-process.ts"
import { eventually } from "../support/notifications.ts"
import { NotificationsProcess } from "../support/notifications-process.ts"
import { startPushService } from "../support/push-service.ts"
import { PushedMessages } from "../support/pushed-messages.ts"

const DEVICES = 4
const QUEUES = 5
const ROUNDS = 4
/** How long the push service thinks about a push: a moment in which the server can be killed, ms. */
const PUSH_TAKES = 30

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-ntf-kill-"))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/**
 * Kills the notification server and the relay in turn while pushes are on their way, and counts. A message counts when the
 * relay has answered its SEND. The kill of the notification server comes when it has stored something and not yet pushed
 * all of it: what a relay has just sent to a process that dies is gone, as the protocol has no acknowledgement for it.
 */
it("no notification is lost when the server or the relay is killed", { timeout: 180_000 }, async () => {
  await using push = await startPushService("APNs")
  push.delay = PUSH_TAKES
  const pushed = new PushedMessages(push)
  await using relay = new RelayProcess(join(folder, "relay"))
  await using ntf = new NotificationsProcess(join(folder, "ntf"), push)
  relay.spawn()
  await relay.ready()
  await ntf.start()
  await using client = new SmpClient(relay.address, { backoff: { initialMs: 50, maxMs: 200 } })
  const connection = await connectNtf(ntf.address)
  for (let i = 0; i < DEVICES; i++) await pushed.add(connection, client, relay.address, QUEUES)

  let accepted = 0
  for (let round = 0; round < ROUNDS; round++) {
    const before = pushed.told
    const sends = pushed.queues.map((queue) => client.sendMessage(queue, utf8("x"), { notify: true }))
    accepted += (await Promise.allSettled(sends)).filter(({ status }) => status === "fulfilled").length
    // The server has stored what the relay sent as soon as it pushes some of it; not all of it is pushed then.
    if (round % 2 === 0) {
      await eventually(() => pushed.told > before)
      await ntf.kill()
      await ntf.start()
    } else {
      await relay.kill()
      relay.spawn()
      await relay.ready()
    }
    await eventually(() => pushed.told >= accepted).catch(() => undefined)
  }

  const lost = accepted - pushed.told
  console.log(
    `${accepted} messages, ${pushed.told} notified, ${lost} lost, ${pushed.pushes} pushes, ` +
      `${pushed.withoutNews} of them without news; ` +
      `killed: notification server ${ntf.kills} times, relay ${relay.kills} times`,
  )
  expect(accepted).toBe(DEVICES * QUEUES * ROUNDS)
  expect(lost).toBe(0)
  // A push that was taken when its process died, before that was noted, goes out once more.
  expect(pushed.withoutNews).toBeLessThanOrEqual(DEVICES * ntf.kills)
})
