import { generateP256 } from "@sluice/crypto/native/p256"
import { ManualClock } from "@sluice/ops/manual-clock"
import { afterEach, describe, expect, it } from "vitest"
import { notificationsOfAllKinds, randomContent } from "../test/notifications.ts"
import { WebPushStandIn, type WebPushSubscription } from "../test/web-push-stand-in.ts"
import { DELIVERED, type PushNotification, type PushOutcome } from "./provider.ts"
import { type WebPushOptions, WebPushProvider } from "./web-push-provider.ts"

const signal = new AbortController().signal
const subject = "mailto:operator@example.org"
const stoppers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stoppers.splice(0).toReversed()) await stop()
})

interface Bench {
  readonly service: WebPushStandIn
  readonly provider: WebPushProvider
  readonly subscription: WebPushSubscription
  readonly clock: ManualClock
  readonly push: (notification?: PushNotification, target?: WebPushSubscription) => Promise<PushOutcome>
}

async function bench(options: Partial<WebPushOptions> = {}): Promise<Bench> {
  const clock = new ManualClock(Date.now())
  const service = await new WebPushStandIn().start()
  const { privateKey } = generateP256()
  const own = { privateKey, subject, ca: service.ca, allowPrivate: true, clock }
  const provider = new WebPushProvider({ ...own, ...options })
  stoppers.push(
    () => service.stop(),
    () => provider.close(),
  )
  const subscription = service.subscribe()
  const message: PushNotification = { kind: "message", seal: randomContent() }
  const push = (notification: PushNotification = message, target = subscription): Promise<PushOutcome> =>
    provider.deliver({ kind: "web-push", ...target }, notification, signal)
  return { service, provider, subscription, clock, push }
}

it("sends what only the device reads, within the size that all services take, for every kind", async () => {
  const { service, push } = await bench()
  for (const notification of notificationsOfAllKinds()) expect(await push(notification)).toEqual(DELIVERED)
  const seen = service.received.map(({ text, ttl, urgency, topic }) => [
    Object.keys(JSON.parse(text)).join(),
    ttl,
    urgency,
    topic,
  ])
  expect(seen).toEqual([
    ["nonce,verification", 3600, "high", undefined],
    ["nonce,message", 2_419_200, "high", undefined],
    ["checkMessages", 0, "normal", "check"],
  ])
  expect(service.received.every(({ body }) => body.length <= 4096)).toBe(true)
  expect(service.received[0]?.claims).toMatchObject({ aud: service.origin, sub: subject })
  expect(service.connections).toBe(1)
})

describe("answers", () => {
  const retry = (cause: string, afterMs: number): object => ({ outcome: "retry", cause, afterMs })
  const failed = (cause: string): object => ({ outcome: "failed", cause })
  const gone = { outcome: "token-invalid", reason: "UNREGISTERED" }

  it.each([
    [200, {}, DELIVERED],
    [201, {}, DELIVERED],
    [202, {}, DELIVERED],
    [204, {}, DELIVERED],
    [301, { location: "https://localhost/elsewhere" }, failed("refused")],
    [307, { location: "https://localhost/elsewhere" }, failed("refused")],
    [400, {}, failed("payload")],
    [401, {}, retry("credentials", 0)],
    [403, {}, failed("configuration")],
    [404, {}, gone],
    [410, {}, gone],
    [413, {}, failed("payload")],
    [429, {}, retry("limited", 60_000)],
    [429, { "retry-after": "5" }, retry("limited", 5_000)],
    [500, {}, retry("unavailable", 10_000)],
    [503, { "retry-after": "2" }, retry("unavailable", 2_000)],
    [418, {}, failed("refused")],
  ])("%i %j", async (status, headers, outcome) => {
    const { service, push } = await bench()
    service.answerNext({ status, headers: headers as Record<string, string>, body: "x" })
    expect(await push()).toEqual(outcome)
    expect(await push()).toEqual(DELIVERED)
    expect(service.received).toHaveLength(2)
    expect(service.connections).toBe(1)
  })

  it("of a device that left", async () => {
    const { service, subscription, push } = await bench()
    service.unsubscribe(subscription)
    expect(await push()).toEqual(gone)
  })

  it("that don't come", async () => {
    const { service, provider, clock, subscription, push } = await bench()
    service.answerNext("drop", "silence", "silence")
    expect(await push()).toEqual(retry("connection", 0))
    await service.next()
    const late = push()
    await service.next()
    clock.advance(25_000)
    expect(await late).toEqual(retry("timeout", 0))
    const controller = new AbortController()
    const message: PushNotification = { kind: "message", seal: randomContent() }
    const aborted = provider.deliver({ kind: "web-push", ...subscription }, message, controller.signal)
    await service.next()
    controller.abort()
    expect(await aborted).toEqual(failed("unavailable"))
    expect(await push()).toEqual(DELIVERED)
    await provider.close()
    expect(await push()).toEqual(failed("unavailable"))
  })

  it("with an endless body don't hold the connection", async () => {
    const { service, push } = await bench()
    service.answerNext({ status: 201, body: "x".repeat(1_000_000) })
    expect(await push()).toEqual(DELIVERED)
    expect(await push()).toEqual(DELIVERED)
    expect(service.connections).toBe(2)
  })
})

describe("tokens that lead nowhere", () => {
  it.each([
    "http://push.example.org/x",
    "https://user:password@push.example.org/x",
    "ftp://push.example.org/x",
    "not a url",
    "",
  ])("%j", async (endpoint) => {
    const { subscription, push } = await bench()
    expect(await push(undefined, { ...subscription, endpoint })).toEqual({ outcome: "token-invalid", reason: "BAD" })
  })

  it("keys that are none", async () => {
    const { service, subscription, push } = await bench()
    const outcome = await push(undefined, { ...subscription, publicKey: new Uint8Array(33).fill(255).fill(2, 0, 1) })
    expect(outcome).toEqual({ outcome: "token-invalid", reason: "BAD" })
    expect(service.connections).toBe(0)
  })
})

describe("private addresses", () => {
  it.each([
    "127.0.0.1",
    "[::1]",
    "10.0.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "0x7f.1",
    "[::ffff:127.0.0.1]",
    "2130706433",
  ])("%s is refused", async (host) => {
    const { service, subscription, push } = await bench({ allowPrivate: false })
    const endpoint = `https://${host}:${service.port}/push/x`
    expect(await push(undefined, { ...subscription, endpoint })).toEqual({ outcome: "failed", cause: "refused" })
    expect(service.connections).toBe(0)
  })

  it("names that lead to them are refused, whatever else they lead to", async () => {
    const { service, push } = await bench({ allowPrivate: false, resolve: async () => ["127.0.0.1", "::1"] })
    expect(await push()).toEqual({ outcome: "failed", cause: "refused" })
    expect(service.connections).toBe(0)
  })

  it("names without addresses, and those whose look-up fails, are refused", async () => {
    const outcome = { outcome: "failed", cause: "refused" }
    expect(await (await bench({ allowPrivate: false, resolve: async () => [] })).push()).toEqual(outcome)
    const failing = { allowPrivate: false, resolve: () => Promise.reject(new Error("no DNS")) }
    expect(await (await bench(failing)).push()).toEqual(outcome)
  })

  it("what is judged is what is connected to", async () => {
    const resolve = async (): Promise<string[]> => ["10.0.0.1", "127.0.0.1"]
    const isAllowed = (address: string): boolean => address === "127.0.0.1"
    const { service, push } = await bench({ allowPrivate: false, resolve, isAllowed })
    expect(await push()).toEqual(DELIVERED)
    expect(service.received).toHaveLength(1)
  })
})

it("bounds requests in all", async () => {
  const { service, push } = await bench({ maxRequests: 1 })
  service.answerNext("silence")
  const first = push()
  await service.next()
  expect(await push()).toEqual({ outcome: "retry", cause: "limited", afterMs: 1_000 })
  service.dropConnections()
  expect(await first).toMatchObject({ outcome: "retry" })
})
