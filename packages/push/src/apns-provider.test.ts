import { jwsKeyFromPem } from "@sluice/crypto/native/jws"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { ManualClock } from "@sluice/ops/manual-clock"
import { afterEach, describe, expect, it } from "vitest"
import { ApnsStandIn, apnsRefusal } from "../test/apns-stand-in.ts"
import { notificationsOfAllKinds, randomContent } from "../test/notifications.ts"
import type { StandInOptions } from "../test/stand-in.ts"
import { type ApnsOptions, ApnsProvider } from "./apns-provider.ts"
import { DELIVERED, type PushNotification, type PushOutcome, type SealedContent } from "./provider.ts"

const signal = new AbortController().signal
const stoppers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stoppers.splice(0).toReversed()) await stop()
})

interface Bench {
  readonly apns: ApnsStandIn
  readonly provider: ApnsProvider
  readonly push: (notification?: PushNotification, token?: string) => Promise<PushOutcome>
}

async function bench(options: Partial<ApnsOptions> = {}, standIn: StandInOptions = {}): Promise<Bench> {
  const apns = await new ApnsStandIn(standIn).start()
  const { key, keyId, teamId, topic } = apns.credentials
  const own = { key: jwsKeyFromPem("ES256", key), keyId, teamId, topic }
  const provider = new ApnsProvider({ origin: apns.origin, ca: apns.ca, ...own, ...options })
  stoppers.push(
    () => apns.stop(),
    () => provider.close(),
  )
  const message: PushNotification = { kind: "message", seal: randomContent() }
  const push = (notification: PushNotification = message, token = "abcd"): Promise<PushOutcome> =>
    provider.deliver({ kind: "apns", token }, notification, signal)
  return { apns, provider, push }
}

describe("what is sent", () => {
  it("has the shape that the service and the app expect, for every kind", async () => {
    const { apns, push } = await bench()
    for (const notification of notificationsOfAllKinds()) expect(await push(notification, "0aF9")).toEqual(DELIVERED)
    expect(apns.received.map(({ data }) => Object.keys(data).toSorted().join())).toEqual([
      "nonce,verification",
      "message,nonce",
      "checkMessages",
    ])
    expect(apns.received.every(({ deviceToken }) => deviceToken === "0aF9")).toBe(true)
    expect(apns.received.map(({ body }) => body.length)).toEqual([4233, 4310, 73])
    expect(apns.connections).toBe(1)
  })

  it("holds nonce and cipher text in base64url", async () => {
    const { apns, push } = await bench({ paddedLength: 2048 })
    const made: SealedContent[] = []
    await push({ kind: "verification", seal: randomContent(made) })
    const [content] = made
    if (content === undefined) throw new Error("nothing was sealed")
    expect(content.ciphertext).toHaveLength(2064)
    const { nonce, ciphertext } = content
    expect(apns.received[0]?.data).toEqual({ nonce: encodeBase64Url(nonce), verification: encodeBase64Url(ciphertext) })
  })

  it("keeps a token inside one segment of the path", async () => {
    const { apns, push } = await bench()
    expect(await push(undefined, "../a?b#c")).toEqual(DELIVERED)
    expect(apns.received[0]).toMatchObject({ path: "/3/device/..%2Fa%3Fb%23c", deviceToken: "../a?b#c" })
  })
})

describe("the provider's token", () => {
  it("is signed as the standard says, and replaced after half an hour", async () => {
    const clock = new ManualClock()
    const { apns, push } = await bench({ clock })
    await push()
    clock.advance(1_799_999)
    await push()
    clock.advance(1)
    await push()
    const [first, second, third] = apns.received.map(({ jwt }) => jwt)
    expect(first).toEqual({
      header: { alg: "ES256", kid: "KEYID12345" },
      claims: { iss: "TEAMID1234", iat: Date.UTC(2025, 0, 1) / 1000 },
    })
    expect(second).toEqual(first)
    expect(third?.claims["iat"]).toBe(Date.UTC(2025, 0, 1) / 1000 + 1_800)
  })

  it("is replaced when it is called expired, but not one that is new", async () => {
    const clock = new ManualClock()
    const { apns, push } = await bench({ clock })
    await push()
    clock.advance(600_000)
    apns.answerNext(apnsRefusal(403, "ExpiredProviderToken"))
    expect(await push()).toEqual({ outcome: "retry", cause: "credentials", afterMs: 0 })
    apns.answerNext(apnsRefusal(403, "ExpiredProviderToken"))
    expect((await push()).outcome).toBe("retry")
    await push()
    const issued = apns.received.map(({ jwt }) => Number(jwt.claims["iat"]) - Date.UTC(2025, 0, 1) / 1000)
    expect(issued).toEqual([0, 0, 600, 600])
  })
})

describe("answers", () => {
  const invalid = (reason: string): object => ({ outcome: "token-invalid", reason })
  const failed = (cause: string): object => ({ outcome: "failed", cause })
  const retry = (cause: string, afterMs = 0): object => ({ outcome: "retry", cause, afterMs })

  it.each([
    [400, "BadDeviceToken", invalid("BAD")],
    [400, "DeviceTokenNotForTopic", invalid("TOPIC")],
    [400, "TopicDisallowed", failed("configuration")],
    [400, "BadTopic", failed("configuration")],
    [400, "PayloadEmpty", failed("payload")],
    [400, "bad_request_body", failed("payload")],
    [403, "ExpiredProviderToken", retry("credentials")],
    [403, "InvalidProviderToken", failed("configuration")],
    [403, "MissingProviderToken", failed("configuration")],
    [403, "Forbidden", failed("configuration")],
    [404, "BadPath", failed("refused")],
    [405, "MethodNotAllowed", failed("refused")],
    [410, "ExpiredToken", invalid("EXPIRED")],
    [410, "Unregistered", invalid("UNREGISTERED")],
    [410, "SomethingNew", retry("unavailable")],
    [413, "PayloadTooLarge", retry("too-large")],
    [429, "TooManyRequests", retry("limited", 1000)],
    [429, "TooManyProviderTokenUpdates", retry("limited", 1000)],
    [500, "InternalServerError", retry("unavailable", 1000)],
    [503, "ServiceUnavailable", retry("unavailable")],
    [503, "Shutdown", retry("unavailable")],
  ])("%i %s", async (status, reason, outcome) => {
    const { apns, push } = await bench()
    apns.answerNext(apnsRefusal(status, reason))
    expect(await push()).toEqual(outcome)
    expect(await push()).toEqual(DELIVERED)
  })

  it.each(["", "<html>", "null", "[]", '{"reason":7}'])("%j has no reason", async (body) => {
    const { apns, push } = await bench()
    apns.answerNext({ status: 410, body })
    expect(await push()).toEqual(retry("unavailable"))
  })

  it("503 gives the connection up", async () => {
    const { apns, push } = await bench()
    apns.answerNext(apnsRefusal(503, "Shutdown"))
    await push()
    await push()
    expect(apns.received.map(({ connection }) => connection)).toEqual([1, 2])
  })

  it("413 makes contents smaller, once and from then on", async () => {
    const { apns, push } = await bench()
    apns.answerNext(apnsRefusal(413, "PayloadTooLarge"))
    expect(await push()).toEqual(retry("too-large"))
    expect(await push()).toEqual(DELIVERED)
    apns.answerNext(apnsRefusal(413, "PayloadTooLarge"))
    expect(await push()).toEqual(failed("payload"))
    expect(apns.received.map(({ body }) => body.length)).toEqual([4310, 4054, 4054])
  })
})

describe("no answer", () => {
  it("is worth another attempt when the connection is lost, there is none or time is up", async () => {
    const clock = new ManualClock()
    const { apns, push } = await bench({ clock, requestTimeout: 25_000, random: () => 0 })
    apns.answerNext("drop")
    expect(await push()).toEqual({ outcome: "retry", cause: "connection", afterMs: 0 })
    apns.answerNext("reset")
    expect(await push()).toEqual({ outcome: "retry", cause: "connection", afterMs: 0 })
    apns.answerNext("silence")
    const late = push()
    for (let i = 0; i < 3; i++) await apns.next()
    clock.advance(25_000)
    expect(await late).toEqual({ outcome: "retry", cause: "timeout", afterMs: 0 })
    expect(await push()).toEqual(DELIVERED)
    await apns.stop()
    const outcomes = [await push(), await push()]
    expect(outcomes.at(-1)).toEqual({ outcome: "retry", cause: "connection", afterMs: 250 })
  })

  it("recovers as soon as the service is back", async () => {
    const clock = new ManualClock()
    const { apns, provider, push } = await bench({ clock })
    await push()
    const { port } = apns
    await apns.stop()
    expect((await push()).outcome).toBe("retry")
    await apns.start(port)
    clock.advance(60_000)
    expect(await push()).toEqual(DELIVERED)
    expect(provider.connections).toBeGreaterThan(1)
  })

  it("is final when the caller gives up or the provider was closed", async () => {
    const { provider, push } = await bench()
    const message: PushNotification = { kind: "message", seal: randomContent() }
    const failed = { outcome: "failed", cause: "unavailable" }
    expect(await provider.deliver({ kind: "apns", token: "ab" }, message, AbortSignal.abort())).toEqual(failed)
    await provider.close()
    expect(await push()).toEqual(failed)
  })

  it("goes unnoticed when the service moves on (GOAWAY): everything arrives", async () => {
    const { apns, push } = await bench()
    await push()
    apns.answerNext("goaway-before")
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => push()))
    expect(outcomes.filter(({ outcome }) => outcome !== "delivered")).toEqual([])
    expect(apns.connections).toBe(2)
  })
})
