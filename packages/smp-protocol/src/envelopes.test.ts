import type { BoxKey } from "@sluice/crypto/backend"
import { sealPadded } from "@sluice/crypto/box"
import { DecodeError, EncodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { authKey, bytes, x25519Key } from "../test/arbitraries.ts"
import { backEnds } from "../test/back-ends.ts"
import { decodeClientMessage, encodeClientMessage, openClientMessage, sealClientMessage } from "./client-message.ts"
import { DELIVERED_PADDED, decryptDelivered, encryptDelivered } from "./delivered-body.ts"
import { decryptNotificationMeta, encryptNotificationMeta, NOTIFICATION_META_PADDED } from "./notification-meta.ts"
import {
  FORWARDED_LENGTH,
  MAX_FORWARDED_CONTENT,
  openForwarded,
  openRequest,
  openResponse,
  sealForwarded,
  sealRequest,
  sealResponse,
} from "./proxy-envelope.ts"

const nonce = Uint8Array.from({ length: 24 }, (_, i) => i)

describe.each(backEnds)("boxes ($name)", (c) => {
  const key: BoxKey = c.boxKey(new Uint8Array(32).fill(1))

  it("of forwarded commands open to what was put in, and not the other way round", () => {
    const content = bytes(300)
    const property = fc.property(content, x25519Key, fc.nat(65535), (inside, clientKey, version) => {
      const box = sealForwarded(c, key, nonce, "request", inside)
      expect(box).toHaveLength(FORWARDED_LENGTH)
      expect(openForwarded(c, key, nonce, "request", box)).toEqual(inside)
      const request = { corrId: nonce, version, key: clientKey, box: inside }
      expect(openRequest(c, key, nonce, sealRequest(c, key, nonce, request))).toEqual(request)
      const response = { corrId: nonce, box: inside }
      expect(openResponse(c, key, nonce, sealResponse(c, key, nonce, response))).toEqual(response)
    })
    fc.assert(property, { numRuns: 20 })
    const request = sealForwarded(c, key, nonce, "request", nonce)
    expect(openForwarded(c, key, nonce, "response", request)).toBeUndefined()
  })

  it("of forwarded commands tell what does not decrypt from what does not parse", () => {
    const garbage = c.seal(key, nonce, Uint8Array.of(200))
    expect(openRequest(c, key, nonce, garbage)).toBe("SYNTAX")
    expect(openResponse(c, key, nonce.toReversed(), garbage)).toBe("SYNTAX")
    expect(openRequest(c, key, new Uint8Array(24), garbage)).toBe("CRYPTO")
    expect(openRequest(c, key, nonce, new Uint8Array(3))).toBe("CRYPTO")
  })

  it("of forwarded commands take what fills them and no more", () => {
    const full = new Uint8Array(MAX_FORWARDED_CONTENT)
    expect(sealForwarded(c, key, nonce, "request", full)).toHaveLength(FORWARDED_LENGTH)
    const over = new Uint8Array(MAX_FORWARDED_CONTENT + 1)
    expect(() => sealForwarded(c, key, nonce, "request", over)).toThrow(EncodeError)
  })

  it("of deliveries open to what was put in", () => {
    const contents = fc.record({
      kind: fc.constant("message" as const),
      timestamp: fc.nat(4_000_000_000),
      notify: fc.boolean(),
      body: bytes(300),
    })
    const property = fc.property(contents, (content) => {
      const body = encryptDelivered(c, key, nonce, content)
      expect(decryptDelivered(c, key, nonce, body)).toEqual(content)
      body[99] = (body[99] ?? 0) ^ 1
      expect(decryptDelivered(c, key, nonce, body)).toBeUndefined()
    })
    fc.assert(property, { numRuns: 20 })
    const garbage = sealPadded(c, key, nonce, Uint8Array.of(1, 2), DELIVERED_PADDED)
    expect(decryptDelivered(c, key, nonce, garbage)).toBeUndefined()
    const message = { kind: "message", timestamp: 1, notify: false, body: new Uint8Array(16_094) } as const
    expect(decryptDelivered(c, key, nonce, encryptDelivered(c, key, nonce, message))).toEqual(message)
    const over = { ...message, body: new Uint8Array(16_095) }
    expect(() => encryptDelivered(c, key, nonce, over)).toThrow(EncodeError)
  })

  it("of notifications open to what was put in", () => {
    const meta = { msgId: nonce, timestamp: 1 }
    const box = encryptNotificationMeta(c, key, nonce, meta)
    expect(decryptNotificationMeta(c, key, nonce, box)).toEqual(meta)
    expect(decryptNotificationMeta(c, key, nonce, box.subarray(1))).toBeUndefined()
    const garbage = sealPadded(c, key, nonce, Uint8Array.of(9), NOTIFICATION_META_PADDED)
    expect(decryptNotificationMeta(c, key, nonce, garbage)).toBeUndefined()
  })

  it("of clients open to what was put in", () => {
    const messages = fc.record({ senderKey: fc.option(authKey, { nil: undefined }), body: bytes(200) })
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeClientMessage(encodeClientMessage(message))).toEqual(message)
      }),
    )
    expect(() => decodeClientMessage(Uint8Array.of(0x58))).toThrow(DecodeError)
    const sealed = sealClientMessage(c, key, { version: 4, nonce }, { body: nonce }, 100)
    const encrypted = sealed.subarray(27)
    expect(openClientMessage(c, key, { version: 4, nonce, encrypted })).toEqual({ body: nonce })
    expect(openClientMessage(c, key, { version: 4, nonce, encrypted: encrypted.subarray(2) })).toBeUndefined()
  })
})
