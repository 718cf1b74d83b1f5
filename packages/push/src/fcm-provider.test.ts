import { ManualClock } from "@sluice/ops/manual-clock"
import { afterEach, describe, expect, it } from "vitest"
import { FcmStandIn, fcmRefusal } from "../test/fcm-stand-in.ts"
import { notificationsOfAllKinds, randomContent } from "../test/notifications.ts"
import { FcmProvider } from "./fcm-provider.ts"
import { DELIVERED, type PushNotification, type PushOutcome } from "./provider.ts"
import { parseServiceAccount } from "./service-account.ts"

const signal = new AbortController().signal
const stoppers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stoppers.splice(0).toReversed()) await stop()
})

interface Bench {
  readonly fcm: FcmStandIn
  readonly provider: FcmProvider
  readonly clock: ManualClock
  readonly push: (notification?: PushNotification) => Promise<PushOutcome>
}

async function bench(): Promise<Bench> {
  const clock = new ManualClock()
  const fcm = await new FcmStandIn().start()
  const account = parseServiceAccount(fcm.serviceAccount)
  if (account === undefined) throw new Error("not a service account")
  const provider = new FcmProvider({ origin: fcm.origin, ca: fcm.ca, account, clock, random: () => 0 })
  stoppers.push(
    () => fcm.stop(),
    () => provider.close(),
  )
  const message: PushNotification = { kind: "message", seal: randomContent() }
  const target = { kind: "fcm", token: "fcm-token:1" } as const
  const push = (notification: PushNotification = message): Promise<PushOutcome> =>
    provider.deliver(target, notification, signal)
  return { fcm, provider, clock, push }
}

it("sends data of texts within the service's limits, for every kind", async () => {
  const { fcm, push } = await bench()
  for (const notification of notificationsOfAllKinds()) expect(await push(notification)).toEqual(DELIVERED)
  expect(fcm.received.map(({ data, android }) => [Object.keys(data).join(), android])).toEqual([
    ["nonce,verification", { priority: "HIGH", ttl: "3600s" }],
    ["nonce,message", { priority: "HIGH", ttl: "2419200s" }],
    ["checkMessages", { priority: "NORMAL", ttl: "0s", collapse_key: "check" }],
  ])
  const bytes = fcm.received.map(({ data }) => Object.entries(data).flat().join("").length)
  expect(bytes).toEqual([4017, 4012, 17])
  expect(fcm.received[0]?.deviceToken).toBe("fcm-token:1")
})

describe("access tokens", () => {
  it("are asked for once for all, with a signed statement, and renewed five minutes early", async () => {
    const { fcm, clock, push } = await bench()
    await Promise.all([push(), push(), push()])
    expect(fcm.tokenRequests).toHaveLength(1)
    const issued = Date.UTC(2025, 0, 1) / 1000
    expect(fcm.tokenRequests[0]).toEqual({
      header: { alg: "RS256", typ: "JWT", kid: "key1" },
      claims: {
        iss: "push@sluice-test.example",
        scope: "https://www.googleapis.com/auth/firebase.messaging",
        aud: `${fcm.origin}/token`,
        iat: issued,
        exp: issued + 3600,
      },
    })
    clock.advance(3_298_999)
    await push()
    expect(fcm.tokenRequests).toHaveLength(1)
    clock.advance(1)
    await push()
    expect(fcm.tokenRequests).toHaveLength(2)
  })

  it("are renewed when they are refused", async () => {
    const { fcm, push } = await bench()
    await push()
    fcm.revokeTokens()
    expect(await push()).toEqual({ outcome: "retry", cause: "credentials", afterMs: 0 })
    expect(await push()).toEqual(DELIVERED)
    expect(fcm.tokenRequests).toHaveLength(2)
  })

  it.each([
    [
      { status: 400, body: { error: "invalid_grant" } },
      { outcome: "failed", cause: "configuration" },
    ],
    [
      { status: 200, body: "<html>" },
      { outcome: "failed", cause: "configuration" },
    ],
    [
      { status: 200, body: "null" },
      { outcome: "failed", cause: "configuration" },
    ],
    [
      { status: 200, body: { expires_in: 3599 } },
      { outcome: "failed", cause: "configuration" },
    ],
    [{ status: 503 }, { outcome: "retry", cause: "unavailable", afterMs: 10_000 }],
    [
      { status: 500, headers: { "retry-after": "3" } },
      { outcome: "retry", cause: "unavailable", afterMs: 3_000 },
    ],
    ["drop" as const, { outcome: "retry", cause: "connection", afterMs: 0 }],
  ])("that don't come: %j", async (answer, outcome) => {
    const { fcm, push } = await bench()
    fcm.tokenAnswers.push(answer)
    expect(await push()).toEqual(outcome)
    expect(fcm.received).toEqual([])
    expect(await push()).toEqual(DELIVERED)
  })
})

describe("answers", () => {
  const code = (name: string) => ({ code: name })
  const unavailable = (afterMs: number) => ({ outcome: "retry", cause: "unavailable", afterMs })

  it.each([
    [fcmRefusal(404, "NOT_FOUND", code("UNREGISTERED")), { outcome: "token-invalid", reason: "UNREGISTERED" }],
    [fcmRefusal(404, "NOT_FOUND"), { outcome: "failed", cause: "configuration" }],
    [fcmRefusal(400, "INVALID_ARGUMENT", code("INVALID_ARGUMENT")), { outcome: "token-invalid", reason: "BAD" }],
    [fcmRefusal(400, "INVALID_ARGUMENT", { badField: "message.data" }), { outcome: "failed", cause: "payload" }],
    [
      fcmRefusal(400, "INVALID_ARGUMENT", { code: "INVALID_ARGUMENT", badField: "message.data" }),
      { outcome: "failed", cause: "payload" },
    ],
    [fcmRefusal(400, "INVALID_ARGUMENT"), { outcome: "failed", cause: "payload" }],
    [fcmRefusal(403, "PERMISSION_DENIED", code("SENDER_ID_MISMATCH")), { outcome: "token-invalid", reason: "TOPIC" }],
    [fcmRefusal(403, "PERMISSION_DENIED"), { outcome: "failed", cause: "configuration" }],
    [fcmRefusal(401, "UNAUTHENTICATED"), { outcome: "retry", cause: "credentials", afterMs: 0 }],
    [
      fcmRefusal(401, "UNAUTHENTICATED", code("THIRD_PARTY_AUTH_ERROR")),
      { outcome: "retry", cause: "credentials", afterMs: 0 },
    ],
    [
      fcmRefusal(429, "RESOURCE_EXHAUSTED", code("QUOTA_EXCEEDED")),
      { outcome: "retry", cause: "limited", afterMs: 60_000 },
    ],
    [
      fcmRefusal(429, "RESOURCE_EXHAUSTED", { code: "QUOTA_EXCEEDED", retryAfter: "7" }),
      { outcome: "retry", cause: "limited", afterMs: 7_000 },
    ],
    [fcmRefusal(500, "INTERNAL", code("INTERNAL")), unavailable(10_000)],
    [fcmRefusal(503, "UNAVAILABLE", code("UNAVAILABLE")), unavailable(10_000)],
    [fcmRefusal(503, "UNAVAILABLE", { retryAfter: "Wed, 01 Jan 2025 00:00:30 GMT" }), unavailable(30_000)],
    [fcmRefusal(503, "UNAVAILABLE", { retryAfter: "soon" }), unavailable(10_000)],
    [fcmRefusal(503, "UNAVAILABLE", { retryAfter: "999999" }), unavailable(3_600_000)],
    [{ status: 502, body: "<html>" }, unavailable(10_000)],
    [
      { status: 413, body: "" },
      { outcome: "failed", cause: "refused" },
    ],
    [
      { status: 400, body: '{"error":{"details":[null,3]}}' },
      { outcome: "failed", cause: "payload" },
    ],
    ["drop" as const, { outcome: "retry", cause: "connection", afterMs: 0 }],
  ])("%j", async (answer, outcome) => {
    const { fcm, push } = await bench()
    fcm.answerNext(answer)
    expect(await push()).toEqual(outcome)
    expect(await push()).toEqual(DELIVERED)
  })

  it("a service with a problem gets a new connection", async () => {
    const { fcm, push } = await bench()
    fcm.answerNext(fcmRefusal(503, "UNAVAILABLE"))
    await push()
    await push()
    const [first, second] = fcm.received.map(({ connection }) => connection)
    expect(second).not.toBe(first)
  })
})

it("is closed with everything under way", async () => {
  const { fcm, provider, push } = await bench()
  fcm.answerNext("silence")
  const outcome = push()
  await fcm.next()
  await provider.close()
  expect(await outcome).toEqual({ outcome: "failed", cause: "unavailable" })
})
