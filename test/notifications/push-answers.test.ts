import { utf8 } from "@sluice/encoding/bytes"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import { SmpClient } from "@sluice/smp-client/client"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { apnsRefusal } from "../../packages/push/test/apns-stand-in.ts"
import { fcmRefusal } from "../../packages/push/test/fcm-stand-in.ts"
import type { Answer } from "../../packages/push/test/stand-in.ts"
import { eventually, TestDevice, TestNotifications } from "../support/notifications.ts"
import { PUSH_SERVICES, type PushAnswer, type PushServiceName } from "../support/push-service.ts"
import { TestRelay } from "../support/relay.ts"

/* notifications.md §9, S13 and S18: what push services answer, and what a server makes of it. */

/** Answers of a service in a row, the state of the token after them, and how many requests there were. */
type Row = readonly [answers: readonly PushAnswer[], status: string, requests: number]

const ANY_SERVICE: readonly Row[] = [
  [[], "CONFIRMED", 1],
  [["unregistered"], "INVALID,UNREGISTERED", 1],
  [["configuration"], "REGISTERED", 1],
  [["payload"], "REGISTERED", 1],
  [["credentials"], "CONFIRMED", 2],
  [["limited"], "CONFIRMED", 2],
  [["unavailable"], "CONFIRMED", 2],
  [["drop"], "CONFIRMED", 2],
  [["reset"], "CONFIRMED", 2],
  // The second answer is final, also when it is about the token.
  [["unavailable", "unavailable"], "REGISTERED", 2],
  [["drop", "drop"], "REGISTERED", 2],
  [["unavailable", "unregistered"], "INVALID,UNREGISTERED", 2],
  [["drop", "limited"], "REGISTERED", 2],
]

/** Web Push goes over HTTP/1.1, which has no GOAWAY. */
const OVER_HTTP2: readonly Row[] = [
  [["goaway-before"], "CONFIRMED", 2],
  [["goaway-after"], "CONFIRMED", 1],
]

const OF: Readonly<Record<PushServiceName, readonly Row[]>> = {
  APNs: [
    ...OVER_HTTP2,
    [[apnsRefusal(400, "BadDeviceToken")], "INVALID,BAD", 1],
    [[apnsRefusal(400, "DeviceTokenNotForTopic")], "INVALID,TOPIC", 1],
    [[apnsRefusal(400, "TopicDisallowed")], "REGISTERED", 1],
    [[apnsRefusal(403, "Forbidden")], "REGISTERED", 1],
    [[apnsRefusal(410, "ExpiredToken")], "INVALID,EXPIRED", 1],
    [[apnsRefusal(410, "Other")], "CONFIRMED", 2],
    [[apnsRefusal(500, "InternalServerError")], "CONFIRMED", 2],
    [["too-large"], "CONFIRMED", 2],
    [[{ status: 404, body: "no JSON" }], "REGISTERED", 1],
  ],
  FCM: [
    ...OVER_HTTP2,
    [[fcmRefusal(400, "INVALID_ARGUMENT", { code: "INVALID_ARGUMENT" })], "INVALID,BAD", 1],
    [[fcmRefusal(403, "PERMISSION_DENIED", { code: "SENDER_ID_MISMATCH" })], "INVALID,TOPIC", 1],
    [[fcmRefusal(500, "INTERNAL", { retryAfter: "0" })], "CONFIRMED", 2],
    [["too-large"], "REGISTERED", 1],
    [[{ status: 404, body: "no JSON" }], "REGISTERED", 1],
  ],
  "Web Push": [
    [[{ status: 404 }], "INVALID,UNREGISTERED", 1],
    [[{ status: 307, headers: { location: "https://localhost:1/" } }], "REGISTERED", 1],
    [["too-large"], "REGISTERED", 1],
  ],
}

describe.each(PUSH_SERVICES)("answers of %s", (push) => {
  let ntf: TestNotifications
  let connection: NtfConnection

  beforeAll(async () => {
    ntf = await TestNotifications.start({ store: "memory", push })
    connection = await ntf.connect()
  })

  afterAll(() => ntf[Symbol.asyncDispose]())

  async function statusOf({ access }: TestDevice): Promise<string> {
    const { type, ...rest } = await connection.checkToken(access)
    return "reason" in rest && rest.reason !== undefined ? `${type},${rest.reason}` : type
  }

  async function expectStatus(device: TestDevice, expected: string): Promise<void> {
    await eventually(async () => (await statusOf(device)) === expected && (await ntf.store.counts()).pushes === 0)
  }

  it.each([...ANY_SERVICE, ...OF[push]])(
    "%j makes a token %s after %i requests",
    async (answers, expected, requests) => {
      const before = ntf.push.received.length
      ntf.push.answerNext(...answers)
      const device = await TestDevice.register(connection, ntf.push.token(`row${before}`))
      const pushes = [await ntf.push.next()]
      while (pushes.length < requests) pushes.push(await ntf.push.next())
      await expectStatus(device, expected)
      expect(ntf.push.received.length - before).toBe(requests)
      // Each attempt has the same code under a nonce of its own; what was replayed by the connection itself, because the
      // service did not look at it, is the same push.
      for (const one of pushes) expect(device.code(one)).toEqual(device.code(pushes[0] ?? one))
      const nonces = new Set(pushes.map(({ content }) => content?.nonce.join()))
      if (answers[0] !== "goaway-before") expect(nonces.size).toBe(requests)
      if (requests === 2) expect(pushes[0]?.size === pushes[1]?.size).toBe(answers[0] !== "too-large")
      // S12: before version 3 nobody is told why.
      const old = device.on(await ntf.connect({ range: { min: 1, max: 2 } }))
      expect(await old.connection.checkToken(old.access)).toEqual({ type: expected.split(",")[0] })
    },
  )

  it("are awaited without holding up anybody else, also while the service says goodbye", async () => {
    let answer: (given: Answer) => void = () => undefined
    ntf.push.answerNext(
      () =>
        new Promise<Answer>((resolve) => {
          answer = resolve
        }),
    )
    const slow = await TestDevice.register(connection, ntf.push.token("slow"))
    const first = await ntf.push.next()
    ntf.push.goAway()
    const other = await TestDevice.register(connection, ntf.push.token("other"))
    const second = await ntf.push.next()
    expect(second.connection).toBeGreaterThan(first.connection)
    await eventually(async () => (await statusOf(other)) === "CONFIRMED")
    expect(await statusOf(slow)).toBe("REGISTERED")
    answer({ status: push === "Web Push" ? 201 : 200 })
    await expectStatus(slow, "CONFIRMED")
    expect(ntf.push.pending).toBe(0)
  })

  it("come again after the service was away", { timeout: 30_000 }, async () => {
    const token = ntf.push.token("away")
    const comeBack = await ntf.push.leave()
    const device = await TestDevice.register(connection, token)
    await expectStatus(device, "REGISTERED")
    await comeBack()
    // Connecting was put off for a moment after the failure.
    await eventually(async () => {
      await connection.registerToken(token, device.keys)
      await eventually(async () => (await ntf.store.counts()).pushes === 0)
      return ntf.push.pending > 0
    })
    await connection.verifyToken(device.access, device.code(await ntf.push.next()))
    while (ntf.push.pending > 0) await ntf.push.next()
  })

  it("let a token that was invalid live again by another registration", async () => {
    ntf.push.answerNext("unregistered")
    const token = ntf.push.token("again")
    const device = await TestDevice.register(connection, token)
    const first = await ntf.push.next()
    await expectStatus(device, "INVALID,UNREGISTERED")
    await expect(connection.verifyToken(device.access, device.code(first))).rejects.toMatchObject({
      answer: { type: "AUTH" },
    })
    expect(await connection.registerToken(token, device.keys)).toEqual(device.registered)
    await connection.verifyToken(device.access, device.code(await ntf.push.next()))
  })
})

describe.each(PUSH_SERVICES)("messages by %s", (push) => {
  it("are pushed again after a refusal, and not any more to a device that is gone", { timeout: 30_000 }, async () => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start({ push })
    await using client = new SmpClient(relay.address)
    const connection = await ntf.connect()
    const device = await TestDevice.verified(connection, ntf.push)
    const { queue } = await device.notified(client, relay.address)
    const send = () => client.sendMessage(queue, utf8("hello"), { notify: true })

    ntf.push.answerNext("unavailable")
    await send()
    const [first, second] = [await ntf.push.next(), await ntf.push.next()]
    expect(device.list(second)).toEqual(device.list(first))
    expect(second.content?.nonce).not.toEqual(first.content?.nonce)

    ntf.push.answerNext("unregistered")
    await send()
    await ntf.push.next()
    await eventually(async () => (await connection.checkToken(device.access)).type === "INVALID")
    await send()
    await eventually(() => ntf.server.statistics.receivedAuth === 1)
    expect(ntf.push.pending).toBe(0)
  })

  it("are sent once more when there is no answer in time", { timeout: 30_000 }, async () => {
    const key = { APNs: "apns", FCM: "fcm", "Web Push": "web" }[push]
    const settings = { [`push.${key}.request_timeout`]: "1s" }
    await using ntf = await TestNotifications.start({ store: "memory", push, settings })
    ntf.push.answerNext("silence")
    const device = await TestDevice.verified(await ntf.connect(), ntf.push)
    expect(device.code(await ntf.push.next())).toHaveLength(32)
    await eventually(async () => (await ntf.store.counts()).pushes === 0)
    expect(ntf.push.pending).toBe(0)
  })
})
