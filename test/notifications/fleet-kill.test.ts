import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { toHex, utf8 } from "@sluice/encoding/bytes"
import { connectNtf } from "@sluice/ntf-client/connect"
import { decodeMessageList } from "@sluice/ntf-protocol/message-list"
import { openPush } from "@sluice/ntf-protocol/push-content"
import { SmpClient } from "@sluice/smp-client/client"
import type { CreatedQueue } from "@sluice/smp-client/queue-types"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import { decryptNotificationMeta } from "@sluice/smp-protocol/notification-meta"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { haveRedis } from "../../packages/redis/test/redis-program.ts"
import { startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { RelayProcess } from "../support/kill-process.ts"
import { eventually, testToken } from "../support/notifications.ts"
import { NotificationsProcess, type ReportedPush } from "../support/notifications-process.ts"

const NODES = 3
const DEVICES = 8
const QUEUES = 3
/**
 * What is killed, or stands still for a while, while pushes are under way; every node once each, so that the owner of the
 * relay is among them.
 */
const FAULTS = ["node 0", "relay", "node 1", "redis", "node 2", "pause 0", "pause 1", "pause 2", "nothing"] as const

/** Tells pushes by what they bring: devices and the nonces of queues' notifications that were not pushed before. */
class Arrivals {
  readonly secrets = new Map<string, Uint8Array>()
  readonly queues = new Map<string, Uint8Array>()
  readonly codes = new Map<string, (code: Uint8Array) => void>()
  readonly messages = new Set<string>()
  pushes = 0
  withoutNews = 0

  add({ kind, token, content }: ReportedPush): void {
    const opened = openPush({ crypto: c, secret: this.secrets.get(token) ?? new Uint8Array(32) }, content)
    if (opened === undefined) return
    if (kind === "verification") {
      this.codes.get(token)?.(opened)
      return
    }
    this.pushes++
    const before = this.messages.size
    for (const { queue, nonce, meta } of decodeMessageList(opened)) {
      const secret = this.queues.get(toHex(queue.notifierId))
      const read = secret && decryptNotificationMeta(c, c.boxKey(secret), nonce, meta)
      if (read === undefined) throw new Error("metadata that does not open")
      this.messages.add(toHex(read.msgId))
    }
    if (this.messages.size === before) this.withoutNews++
  }
}

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
    const arrivals = new Arrivals()
    const settings = {
      "notifications.store": "redis",
      "notifications.lease": "1s",
      // One after the other, so that a process that is killed leaves some that are stored and not sent.
      "notifications.push_concurrency": 1,
      "redis.nodes": [`127.0.0.1:${redis.port}`],
    }
    await using stack = new AsyncDisposableStack()
    const relay = stack.use(new RelayProcess(join(folder, "relay")))
    const nodes = Array.from({ length: NODES }, () =>
      stack.use(new NotificationsProcess(join(folder, "ntf"), (push) => arrivals.add(push), settings)),
    )
    relay.spawn()
    await relay.ready()
    for (const node of nodes) await node.start()
    const client = stack.use(new SmpClient(relay.address, { backoff: { initialMs: 50, maxMs: 200 } }))
    const { hosts, port, keyHash } = relay.address
    const server = { hosts, port, keyHash }

    const all: CreatedQueue[] = []
    const subscriptions: { readonly id: Uint8Array; readonly key: AuthPrivateKey }[] = []
    for (let i = 0; i < DEVICES; i++) {
      const connection = await connectNtf((nodes[i % NODES] as NotificationsProcess).address)
      const name = `device${i}`
      const keys = connection.registrationKeys()
      const arrives = new Promise<Uint8Array>((resolve) => arrivals.codes.set(name, resolve))
      const registered = await connection.registerToken(testToken(name), keys)
      arrivals.secrets.set(name, registered.secret)
      // The push may have come before the answer, so it is asked for again.
      await connection.registerToken(testToken(name), keys)
      const access = { tokenId: registered.tokenId, key: keys.authKeys.privateKey }
      await connection.verifyToken(access, await arrives)
      for (let j = 0; j < QUEUES; j++) {
        const queue = await client.createQueue({ subscribe: false, notifier: true })
        if (queue.notifier === undefined) throw new Error("no notifier")
        const { notifierId, notifierKey, dhSecret } = queue.notifier
        arrivals.queues.set(toHex(notifierId), dhSecret)
        const id = await connection.subscribe(access, { queue: { server, notifierId }, notifierKey })
        await eventually(async () => (await connection.checkSubscription(id, access.key)).type === "ACTIVE")
        all.push(queue)
        subscriptions.push({ id, key: access.key })
      }
      await connection.close()
    }

    let accepted = 0
    let pushesLeft = 0
    const took: string[] = []
    for (const what of FAULTS) {
      const before = arrivals.messages.size
      const sent = await Promise.allSettled(all.map((queue) => client.sendMessage(queue, utf8("x"), { notify: true })))
      accepted += sent.filter(({ status }) => status === "fulfilled").length
      // What was stored is pushed from then on; what a relay has just sent to a process that dies is gone, as the protocol
      // has no acknowledgement for it.
      if (what !== "relay") await eventually(() => arrivals.messages.size > before)
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
        await until(() => arrivals.messages.size >= accepted)
        node.resume()
      } else if (what !== "nothing") {
        const node = nodes[Number(what.at(-1))] as NotificationsProcess
        await node.kill()
        pushesLeft += accepted - arrivals.messages.size
        // Nobody starts it again before the others have done its work.
        await until(() => arrivals.messages.size >= accepted)
        await node.start()
      }
      await until(() => arrivals.messages.size >= accepted)
      took.push(`${what} ${((performance.now() - began) / 1000).toFixed(1)} s`)
    }
    // Servers that stood still found that others had subscribed, and must not have noted that as the end of anything.
    const connection = await connectNtf((nodes[0] as NotificationsProcess).address)
    for (const { id, key } of subscriptions) {
      expect(await connection.checkSubscription(id, key)).toEqual({ type: "ACTIVE" })
    }
    await connection.close()
    const lost = accepted - arrivals.messages.size
    console.log(
      `${accepted} messages, ${arrivals.messages.size} notified, ${lost} lost, ${arrivals.pushes} pushes, ` +
        `${arrivals.withoutNews} of them without news; ${pushesLeft} were not pushed yet when a server was killed; time until all had arrived after what happened: ${took.join(", ")}`,
    )
    expect(pushesLeft).toBeGreaterThan(0)
    expect(accepted).toBe(DEVICES * QUEUES * FAULTS.length)
    expect(lost).toBe(0)
    // Pushes that were taken when their process died, before that was noted, go out once more: one for each device.
    expect(arrivals.withoutNews).toBeLessThanOrEqual(DEVICES * (FAULTS.length - 1))
  })
})

/** Waits for up to half a minute; what did not come then is counted as lost. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!holds() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
}
