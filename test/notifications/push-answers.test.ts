import { nativeCrypto } from "@sluice/crypto/native"
import { jwsKeyFromPem } from "@sluice/crypto/native/jws"
import { generateP256 } from "@sluice/crypto/native/p256"
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { utf8 } from "@sluice/encoding/bytes"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import type { DeviceToken, PushTag } from "@sluice/ntf-protocol/device-token"
import { openPush } from "@sluice/ntf-protocol/push-content"
import { encodeWebPushToken } from "@sluice/ntf-protocol/web-push-token"
import { ApnsProvider } from "@sluice/push/apns-provider"
import { FcmProvider } from "@sluice/push/fcm-provider"
import type { PushProvider } from "@sluice/push/provider"
import { parseServiceAccount } from "@sluice/push/service-account"
import { WebPushProvider } from "@sluice/push/web-push-provider"
import { afterEach, describe, expect, it } from "vitest"
import { ApnsStandIn, apnsRefusal } from "../../packages/push/test/apns-stand-in.ts"
import { FcmStandIn, fcmRefusal } from "../../packages/push/test/fcm-stand-in.ts"
import type { Answer } from "../../packages/push/test/stand-in.ts"
import { WebPushStandIn } from "../../packages/push/test/web-push-stand-in.ts"
import { eventually, TestDevice, TestNotifications, testToken } from "../support/notifications.ts"

const cleanUp: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end()
})

/** A notification server in front of a real HTTP/2 server that stands in for the push service of one tag. */
async function serving(tag: PushTag, provider: PushProvider): Promise<NtfConnection> {
  const ntf = await TestNotifications.start({ store: "memory", providers: new Map([[tag, provider]]) })
  cleanUp.push(() => ntf[Symbol.asyncDispose]())
  return ntf.connect()
}

async function apns(): Promise<{ readonly standIn: ApnsStandIn; readonly connection: NtfConnection }> {
  const standIn = await new ApnsStandIn().start()
  cleanUp.push(() => standIn.stop())
  const { origin, ca, credentials } = standIn
  const provider = new ApnsProvider({ ...credentials, origin, ca, key: jwsKeyFromPem("ES256", credentials.key) })
  return { standIn, connection: await serving("AT", provider) }
}

async function fcm(): Promise<{ readonly standIn: FcmStandIn; readonly connection: NtfConnection }> {
  const standIn = await new FcmStandIn().start()
  cleanUp.push(() => standIn.stop())
  const account = parseServiceAccount(standIn.serviceAccount)
  if (account === undefined) throw new Error("not a service account")
  const { origin, ca } = standIn
  return { standIn, connection: await serving("FT", new FcmProvider({ account, origin, ca })) }
}

const statusOf = async ({ connection, access }: TestDevice): Promise<string> => {
  const status = await connection.checkToken(access)
  return "reason" in status && status.reason !== undefined ? `${status.type},${status.reason}` : status.type
}

/** The code in the fields of a verification. */
function codeOf(device: TestDevice, data: { readonly nonce?: string; readonly verification?: string }): Uint8Array {
  const sealed = { nonce: decodeBase64Url(data.nonce ?? ""), ciphertext: decodeBase64Url(data.verification ?? "") }
  const code = openPush({ crypto: nativeCrypto, secret: device.registered.secret }, sealed)
  if (code === undefined) throw new Error("a push that does not open")
  return code
}

describe("S13: through APNs over HTTP/2", () => {
  it("a device is verified", async () => {
    const { standIn, connection } = await apns()
    const device = await TestDevice.register(connection)
    const { deviceToken, data } = await standIn.next()
    expect(deviceToken).toBe("abcd")
    await connection.verifyToken(device.access, codeOf(device, data))
    expect(await statusOf(device)).toBe("ACTIVE")
  })

  const rows: readonly (readonly [string, Answer, string, number])[] = [
    ["400 BadDeviceToken", apnsRefusal(400, "BadDeviceToken"), "INVALID,BAD", 1],
    ["400 DeviceTokenNotForTopic", apnsRefusal(400, "DeviceTokenNotForTopic"), "INVALID,TOPIC", 1],
    ["400 TopicDisallowed", apnsRefusal(400, "TopicDisallowed"), "REGISTERED", 1],
    ["403 InvalidProviderToken", apnsRefusal(403, "InvalidProviderToken"), "REGISTERED", 1],
    ["403 ExpiredProviderToken", apnsRefusal(403, "ExpiredProviderToken"), "CONFIRMED", 2],
    ["410 ExpiredToken", apnsRefusal(410, "ExpiredToken"), "INVALID,EXPIRED", 1],
    ["410 Unregistered", apnsRefusal(410, "Unregistered"), "INVALID,UNREGISTERED", 1],
    ["410 other", apnsRefusal(410, "Other"), "CONFIRMED", 2],
    ["413", apnsRefusal(413, "PayloadTooLarge"), "CONFIRMED", 2],
    ["429", apnsRefusal(429, "TooManyRequests"), "CONFIRMED", 2],
    ["500", apnsRefusal(500, "InternalServerError"), "CONFIRMED", 2],
    ["503", apnsRefusal(503, "ServiceUnavailable"), "CONFIRMED", 2],
    ["a cut connection", "drop", "CONFIRMED", 2],
    ["GOAWAY in mid-flight", "goaway-before", "CONFIRMED", 2],
    ["GOAWAY after an answer", "goaway-after", "CONFIRMED", 1],
  ]

  it.each(rows)("%s", async (_, answer, expected, requests) => {
    const { standIn, connection } = await apns()
    standIn.answerNext(answer)
    const device = await TestDevice.register(connection)
    await eventually(async () => (await statusOf(device)) === expected && standIn.received.length === requests)
    const nonces = new Set(standIn.received.map(({ data }) => data.nonce))
    // What was replayed by the connection itself, because the service did not look at it, is the same push.
    if (answer !== "goaway-before") expect(nonces.size).toBe(requests)
    const lengths = standIn.received.map(({ body }) => body.length)
    if (answer !== "drop" && requests === 2) expect(lengths[1] === lengths[0]).toBe(_ !== "413")
  })

  it("a slow answer holds up nobody else", async () => {
    const { standIn, connection } = await apns()
    let answer: (given: Answer) => void = () => undefined
    standIn.answerNext(
      () =>
        new Promise<Answer>((resolve) => {
          answer = resolve
        }),
    )
    const slow = await TestDevice.register(connection, testToken("slow"))
    await standIn.next()
    const other = await TestDevice.register(connection, testToken("other"))
    await eventually(async () => (await statusOf(other)) === "CONFIRMED")
    expect(await statusOf(slow)).toBe("REGISTERED")
    answer({ status: 200 })
    await eventually(async () => (await statusOf(slow)) === "CONFIRMED")
  })

  it("the second answer is final, also when it is about the token", async () => {
    const { standIn, connection } = await apns()
    standIn.answerNext(apnsRefusal(503, "Shutdown"), apnsRefusal(410, "Unregistered"))
    const device = await TestDevice.register(connection)
    await eventually(async () => (await statusOf(device)) === "INVALID,UNREGISTERED")
    standIn.answerNext(apnsRefusal(503, "Shutdown"), apnsRefusal(503, "Shutdown"))
    await connection.registerToken(testToken(), device.keys)
    await eventually(() => standIn.received.length === 4)
    await connection.ping()
    expect(await statusOf(device)).toBe("REGISTERED")
  })
})

describe("S18: through FCM", () => {
  const token: DeviceToken = { provider: "FT", token: utf8("fcm:Token-1_x") }

  it("a device is verified, with the fields that its app reads", async () => {
    const { standIn, connection } = await fcm()
    const device = await TestDevice.register(connection, token)
    const { deviceToken, data } = await standIn.next()
    expect(deviceToken).toBe("fcm:Token-1_x")
    await connection.verifyToken(device.access, codeOf(device, data))
    expect(await statusOf(device)).toBe("ACTIVE")
  })

  const retryAfter = "0"
  const rows: readonly (readonly [string, Answer, string, number])[] = [
    ["404 UNREGISTERED", fcmRefusal(404, "NOT_FOUND", { code: "UNREGISTERED" }), "INVALID,UNREGISTERED", 1],
    ["400 of a bad token", fcmRefusal(400, "INVALID_ARGUMENT", { code: "INVALID_ARGUMENT" }), "INVALID,BAD", 1],
    ["400 of our payload", fcmRefusal(400, "INVALID_ARGUMENT", { badField: "message.data" }), "REGISTERED", 1],
    ["403", fcmRefusal(403, "PERMISSION_DENIED", { code: "SENDER_ID_MISMATCH" }), "INVALID,TOPIC", 1],
    ["401", fcmRefusal(401, "UNAUTHENTICATED"), "CONFIRMED", 2],
    ["429", fcmRefusal(429, "RESOURCE_EXHAUSTED", { code: "QUOTA_EXCEEDED", retryAfter }), "CONFIRMED", 2],
    ["500", fcmRefusal(500, "INTERNAL", { code: "INTERNAL", retryAfter }), "CONFIRMED", 2],
    ["503", fcmRefusal(503, "UNAVAILABLE", { code: "UNAVAILABLE", retryAfter }), "CONFIRMED", 2],
    ["a cut connection", "drop", "CONFIRMED", 2],
  ]

  it.each(rows)("%s", async (_, answer, expected, requests) => {
    const { standIn, connection } = await fcm()
    standIn.answerNext(answer)
    const device = await TestDevice.register(connection, token)
    await eventually(async () => (await statusOf(device)) === expected && standIn.received.length === requests)
  })
})

it("through Web Push a device is verified, and a subscription that has gone ends its token", async () => {
  const standIn = await new WebPushStandIn().start()
  cleanUp.push(() => standIn.stop())
  const { privateKey } = generateP256()
  const subject = "mailto:operator@example.org"
  const provider = new WebPushProvider({ privateKey, subject, ca: standIn.ca, allowPrivate: true })
  const connection = await serving("UT", provider)
  const subscription = standIn.subscribe()
  const token: DeviceToken = { provider: "UT", token: encodeWebPushToken(subscription) }
  const device = await TestDevice.register(connection, token)
  const { text } = await standIn.next()
  await connection.verifyToken(device.access, codeOf(device, JSON.parse(text)))
  expect(await statusOf(device)).toBe("ACTIVE")

  standIn.unsubscribe(subscription)
  await connection.registerToken(token, device.keys)
  await eventually(async () => (await statusOf(device)).startsWith("INVALID"))
})
