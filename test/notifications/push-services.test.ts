// The notification server with the providers of packages/push, over HTTPS to servers that stand in for the push services.
import { jwsKeyFromPem } from "@sluice/crypto/native/jws"
import { generateP256 } from "@sluice/crypto/native/p256"
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { utf8 } from "@sluice/encoding/bytes"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import type { DeviceToken, PushTag } from "@sluice/ntf-protocol/device-token"
import { encodeWebPushToken } from "@sluice/ntf-protocol/web-push-token"
import { ApnsProvider } from "@sluice/push/apns-provider"
import { FcmProvider } from "@sluice/push/fcm-provider"
import type { DeliveredPush } from "@sluice/push/memory-provider"
import type { PushProvider } from "@sluice/push/provider"
import { parseServiceAccount } from "@sluice/push/service-account"
import { WebPushProvider } from "@sluice/push/web-push-provider"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ApnsStandIn, apnsRefusal } from "../../packages/push/test/apns-stand-in.ts"
import { FcmStandIn, fcmRefusal } from "../../packages/push/test/fcm-stand-in.ts"
import type { Answer } from "../../packages/push/test/stand-in.ts"
import { WebPushStandIn } from "../../packages/push/test/web-push-stand-in.ts"
import { eventually, TestDevice, TestNotifications } from "../support/notifications.ts"

let apns: ApnsStandIn
let fcm: FcmStandIn
let web: WebPushStandIn
let ntf: TestNotifications
let connection: NtfConnection

beforeAll(async () => {
  apns = await new ApnsStandIn().start()
  fcm = await new FcmStandIn().start()
  web = await new WebPushStandIn().start()
  const { key, ...identity } = apns.credentials
  const account = parseServiceAccount(fcm.serviceAccount)
  if (account === undefined) throw new Error("not an account")
  const vapid = { privateKey: generateP256().privateKey, subject: "mailto:operator@example.org" }
  const providers = new Map<PushTag, PushProvider>([
    ["AT", new ApnsProvider({ origin: apns.origin, ca: apns.ca, key: jwsKeyFromPem("ES256", key), ...identity })],
    ["FT", new FcmProvider({ origin: fcm.origin, ca: fcm.ca, account })],
    ["UT", new WebPushProvider({ ...vapid, ca: web.ca, allowPrivate: true })],
  ])
  ntf = await TestNotifications.start({ store: "memory", providers })
  connection = await ntf.connect()
})

afterAll(async () => {
  await ntf[Symbol.asyncDispose]()
  await Promise.all([apns.stop(), fcm.stop(), web.stop()])
})

/** A verification push as a device has it, from the fields that it got. */
function verification({ nonce = "", verification = "" }: { nonce?: string; verification?: string }): DeliveredPush {
  const content = { nonce: decodeBase64Url(nonce), ciphertext: decodeBase64Url(verification) }
  return { kind: "verification", target: { kind: "apns", token: "" }, content }
}

async function statusOf(device: TestDevice): Promise<string> {
  const { type, ...rest } = await connection.checkToken(device.access)
  return "reason" in rest && rest.reason !== undefined ? `${type},${rest.reason}` : type
}

async function expectStatus(device: TestDevice, expected: string): Promise<void> {
  await eventually(async () => (await statusOf(device)) === expected && (await ntf.store.counts()).pushes === 0)
}

describe("a device is verified by what it gets", () => {
  const cases: readonly (readonly [string, () => DeviceToken, () => Promise<DeliveredPush>])[] = [
    ["APNs", () => ({ provider: "AT", token: utf8("abcd") }), async () => verification((await apns.next()).data)],
    ["FCM", () => ({ provider: "FT", token: utf8("token") }), async () => verification((await fcm.next()).data)],
    [
      "Web Push",
      () => ({ provider: "UT", token: encodeWebPushToken(web.subscribe()) }),
      async () => verification(JSON.parse((await web.next()).text)),
    ],
  ]

  it.each(cases)("%s", async (_name, token, next) => {
    const device = await TestDevice.register(connection, token())
    await connection.verifyToken(device.access, device.code(await next()))
    await expectStatus(device, "ACTIVE")
  })
})

describe("S13: answers of APNs", () => {
  const rows: readonly (readonly [Answer, string, number])[] = [
    [{ status: 200 }, "CONFIRMED", 1],
    [apnsRefusal(400, "BadDeviceToken"), "INVALID,BAD", 1],
    [apnsRefusal(400, "DeviceTokenNotForTopic"), "INVALID,TOPIC", 1],
    [apnsRefusal(400, "TopicDisallowed"), "REGISTERED", 1],
    [apnsRefusal(403, "InvalidProviderToken"), "REGISTERED", 1],
    [apnsRefusal(403, "ExpiredProviderToken"), "CONFIRMED", 2],
    [apnsRefusal(410, "ExpiredToken"), "INVALID,EXPIRED", 1],
    [apnsRefusal(410, "Unregistered"), "INVALID,UNREGISTERED", 1],
    [apnsRefusal(410, "Other"), "CONFIRMED", 2],
    [apnsRefusal(503, "Shutdown"), "CONFIRMED", 2],
    ["drop", "CONFIRMED", 2],
    ["goaway-before", "CONFIRMED", 2],
    ["goaway-after", "CONFIRMED", 1],
    [apnsRefusal(413, "PayloadTooLarge"), "CONFIRMED", 2],
  ]

  it.each(rows)("%j makes the token %s after %i requests", async (answer, expected, requests) => {
    const before = apns.received.length
    apns.answerNext(answer)
    const device = await TestDevice.register(connection, { provider: "AT", token: utf8(`row${before}`) })
    for (let i = 0; i < requests; i++) await apns.next()
    await expectStatus(device, expected)
    expect(apns.received.length - before).toBe(requests)
  })
})

describe("S18: answers of FCM", () => {
  const rows: readonly (readonly [Answer, string, number])[] = [
    [fcmRefusal(404, "NOT_FOUND", { code: "UNREGISTERED" }), "INVALID,UNREGISTERED", 1],
    [fcmRefusal(400, "INVALID_ARGUMENT", { code: "INVALID_ARGUMENT" }), "INVALID,BAD", 1],
    [fcmRefusal(400, "INVALID_ARGUMENT", { badField: "message.data" }), "REGISTERED", 1],
    [fcmRefusal(403, "PERMISSION_DENIED", { code: "SENDER_ID_MISMATCH" }), "INVALID,TOPIC", 1],
    [fcmRefusal(401, "UNAUTHENTICATED"), "CONFIRMED", 2],
    [fcmRefusal(429, "RESOURCE_EXHAUSTED", { code: "QUOTA_EXCEEDED", retryAfter: "0" }), "CONFIRMED", 2],
    [fcmRefusal(503, "UNAVAILABLE", { retryAfter: "0" }), "CONFIRMED", 2],
    ["drop", "CONFIRMED", 2],
  ]

  it.each(rows)("%j makes the token %s after %i requests", async (answer, expected, requests) => {
    const before = fcm.received.length
    fcm.answerNext(answer)
    const device = await TestDevice.register(connection, { provider: "FT", token: utf8(`row${before}`) })
    for (let i = 0; i < requests; i++) await fcm.next()
    await expectStatus(device, expected)
    expect(fcm.received.length - before).toBe(requests)
  })
})

it("a Web Push subscription that is gone is unregistered", async () => {
  const subscription = web.subscribe()
  web.unsubscribe(subscription)
  const device = await TestDevice.register(connection, { provider: "UT", token: encodeWebPushToken(subscription) })
  await expectStatus(device, "INVALID,UNREGISTERED")
})
