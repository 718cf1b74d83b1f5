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
import { decryptNotificationMeta } from "@sluice/smp-protocol/notification-meta"
import { afterAll, beforeAll, expect, it } from "vitest"
import { RelayProcess } from "../support/kill-process.ts"
import { eventually, testToken } from "../support/notifications.ts"
import { NotificationsProcess, type ReportedPush } from "../support/notifications-process.ts"

const DEVICES = 4
const QUEUES = 5
const ROUNDS = 4

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
  const secrets = new Map<string, Uint8Array>()
  const queues = new Map<string, Uint8Array>()
  const pushed = new Map<string, number>()
  let pushes = 0
  let idle = 0
  const codes = new Map<string, (code: Uint8Array) => void>()

  const onPush = ({ kind, token, content }: ReportedPush): void => {
    const opened = openPush({ crypto: c, secret: secrets.get(token) ?? new Uint8Array(32) }, content)
    if (opened === undefined) return
    if (kind === "verification") {
      codes.get(token)?.(opened)
      return
    }
    pushes++
    let news = 0
    for (const { queue, nonce, meta } of decodeMessageList(opened)) {
      const secret = queues.get(toHex(queue.notifierId))
      const read = secret && decryptNotificationMeta(c, c.boxKey(secret), nonce, meta)
      if (read === undefined) throw new Error("metadata that does not open")
      const msgId = toHex(read.msgId)
      if (!pushed.has(msgId)) news++
      pushed.set(msgId, (pushed.get(msgId) ?? 0) + 1)
    }
    if (news === 0) idle++
  }

  await using relay = new RelayProcess(join(folder, "relay"))
  await using ntf = new NotificationsProcess(join(folder, "ntf"), onPush)
  relay.spawn()
  await relay.ready()
  await ntf.start()
  await using client = new SmpClient(relay.address, { backoff: { initialMs: 50, maxMs: 200 } })
  const { hosts, port, keyHash } = relay.address
  const server = { hosts, port, keyHash }

  const all: CreatedQueue[] = []
  const connection = await connectNtf(ntf.address)
  for (let i = 0; i < DEVICES; i++) {
    const name = `device${i}`
    const keys = connection.registrationKeys()
    const arrives = new Promise<Uint8Array>((resolve) => codes.set(name, resolve))
    // The push may come before the answer, so it is asked for again.
    const registered = await connection.registerToken(testToken(name), keys)
    secrets.set(name, registered.secret)
    await connection.registerToken(testToken(name), keys)
    const access = { tokenId: registered.tokenId, key: keys.authKeys.privateKey }
    await connection.verifyToken(access, await arrives)
    for (let j = 0; j < QUEUES; j++) {
      const queue = await client.createQueue({ subscribe: false, notifier: true })
      if (queue.notifier === undefined) throw new Error("no notifier")
      const { notifierId, notifierKey, dhSecret } = queue.notifier
      queues.set(toHex(notifierId), dhSecret)
      const id = await connection.subscribe(access, { queue: { server, notifierId }, notifierKey })
      await eventually(async () => (await connection.checkSubscription(id, access.key)).type === "ACTIVE")
      all.push(queue)
    }
  }

  let accepted = 0
  for (let round = 0; round < ROUNDS; round++) {
    const before = pushed.size
    const sent = await Promise.allSettled(all.map((queue) => client.sendMessage(queue, utf8("x"), { notify: true })))
    const now = sent.filter(({ status }) => status === "fulfilled").length
    accepted += now
    // The server has stored what the relay sent as soon as it pushes some of it; not all of it is pushed then.
    if (round % 2 === 0) {
      await eventually(() => pushed.size > before)
      await ntf.kill()
      await ntf.start()
    } else {
      await relay.kill()
      relay.spawn()
      await relay.ready()
    }
    await eventually(() => pushed.size >= accepted).catch(() => undefined)
  }

  const lost = accepted - pushed.size
  console.log(
    `${accepted} messages, ${pushed.size} notified, ${lost} lost, ${pushes} pushes, ${idle} of them without news; ` +
      `killed: notification server ${ntf.kills} times, relay ${relay.kills} times`,
  )
  expect(accepted).toBe(DEVICES * QUEUES * ROUNDS)
  expect(lost).toBe(0)
  // A push that was taken when its process died, before that was noted, goes out once more.
  expect(idle).toBeLessThanOrEqual(DEVICES * ntf.kills)
})
