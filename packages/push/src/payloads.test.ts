import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { APNS_LIMIT, apnsPayload } from "./apns-payload.ts"
import { base64UrlText } from "./base64url-text.ts"
import { FCM_PADDED, fcmPayload, pushData } from "./fcm-payload.ts"
import type { PushKind, SealedContent } from "./provider.ts"
import { WEB_PUSH_LIMIT } from "./web-push-encryption.ts"
import { WEB_PUSH_PADDED, webPushPayload } from "./web-push-payload.ts"

const kinds = fc.constantFrom<PushKind>("verification", "message", "check-messages")
const contents = (paddedLength: number): fc.Arbitrary<SealedContent> =>
  fc.record({
    nonce: fc.uint8Array({ minLength: 24, maxLength: 24 }),
    ciphertext: fc.uint8Array({ minLength: paddedLength + 16, maxLength: paddedLength + 16, size: "max" }),
  })

/** Checks the fields that a device gets against what they were made of. */
function expectContent(data: Record<string, unknown>, kind: PushKind, content: SealedContent): void {
  if (kind === "check-messages") {
    expect(Object.keys(data)).toEqual(["checkMessages"])
    return
  }
  expect(Object.keys(data)).toEqual(["nonce", kind])
  expect(decodeBase64Url(String(data["nonce"]))).toEqual(content.nonce)
  expect(decodeBase64Url(String(data[kind]))).toEqual(content.ciphertext)
}

it("base64url is the same in both ways, views on larger buffers included", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(10), (bytes, skip) => {
      const view = bytes.subarray(skip)
      expect(base64UrlText(view)).toBe(encodeBase64Url(view))
    }),
  )
})

describe("for any content", () => {
  it("APNs gets JSON that gives it back; at the smaller length below its documented limit", () => {
    fc.assert(
      fc.property(kinds, contents(2880), (kind, content) => {
        const { body, headers } = apnsPayload(kind, kind === "check-messages" ? undefined : content)
        expect(Buffer.byteLength(body)).toBeLessThanOrEqual(APNS_LIMIT)
        expect(headers["apns-push-type"]).toBe(kind === "message" ? "alert" : "background")
        expectContent(JSON.parse(body).notificationData, kind, content)
      }),
      { numRuns: 30 },
    )
  })

  it("FCM gets texts within its limit, for tokens of any form", () => {
    fc.assert(
      fc.property(kinds, contents(FCM_PADDED), fc.string({ maxLength: 255 }), (kind, content, token) => {
        const { message } = JSON.parse(fcmPayload(token, kind, kind === "check-messages" ? undefined : content))
        expect(Object.keys(message)).toEqual(["token", "android", "data"])
        expect(message.token).toBe(token)
        const data = pushData(kind, kind === "check-messages" ? undefined : content)
        expect(message.data).toEqual(data)
        expect(Object.entries(data).flat().join("").length).toBeLessThanOrEqual(4096)
        expectContent(data, kind, content)
      }),
      { numRuns: 30 },
    )
  })

  it("Web Push gets a text that fits into one push", () => {
    fc.assert(
      fc.property(kinds, contents(WEB_PUSH_PADDED), (kind, content) => {
        const { text } = webPushPayload(kind, kind === "check-messages" ? undefined : content)
        expect(text.length).toBeLessThanOrEqual(WEB_PUSH_LIMIT)
        expectContent(JSON.parse(new TextDecoder().decode(text)), kind, content)
      }),
      { numRuns: 30 },
    )
  })
})
