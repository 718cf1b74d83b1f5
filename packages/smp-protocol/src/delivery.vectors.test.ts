import { fromHex, toHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { describe, expect, it } from "vitest"
import { backEnds } from "../test/back-ends.ts"
import { expectBytes } from "../test/expect-bytes.ts"
import { smpArrays } from "../test/vector-files.ts"
import { type BytesOutput, type KeyVector, privateKeyOf, x25519Key } from "../test/vector-values.ts"
import { batchContent } from "./batch.ts"
import { decodeResponses } from "./block.ts"
import {
  type DeliveredContent,
  decodeDelivered,
  decryptDelivered,
  deliveryItem,
  encodeDelivered,
  encryptDelivered,
} from "./delivered-body.ts"
import {
  decodeNotificationMeta,
  decryptNotificationMeta,
  encodeNotificationMeta,
  encryptNotificationMeta,
} from "./notification-meta.ts"
import { transmissionParams } from "./transmission.ts"

interface BodyVector {
  readonly name: string
  readonly serverKey: KeyVector
  readonly recipientKey: KeyVector
  readonly secret: string
  readonly msgId: string
  readonly content: BytesOutput
  readonly encrypted: BytesOutput
  readonly encryptedLength: number
}

interface BodyParseVector {
  readonly name: string
  readonly content: string
  readonly type?: "message" | "quota"
  readonly ts?: string
  readonly notification?: boolean
  readonly body?: string
}

interface MetaVector {
  readonly name: string
  readonly secret: string
  readonly nonce: string
  readonly msgId: string
  readonly ts: string
  readonly content: string
  readonly encrypted: string
}

describe("deliveries of vector files", () => {
  describe.each(smpArrays<BodyVector>("deliveredBodies"))("$name", ({ cases }) => {
    describe.each(backEnds)("$name", (c) => {
      it.each(cases)("$name", ({ serverKey, recipientKey, secret, msgId: id, content, encrypted, encryptedLength }) => {
        const own = privateKeyOf(serverKey)
        if (own.algorithm !== "x25519") throw new Error("X25519 key expected")
        expect(toHex(c.diffieHellman(own, x25519Key(recipientKey.pub)))).toBe(secret)

        const delivered = deliveredOf(content)
        expectBytes(encodeDelivered(delivered), content)
        const key = c.boxKey(fromHex(secret))
        const msgId = fromHex(id)
        const body = encryptDelivered(c, key, msgId, delivered)
        expect(body).toHaveLength(encryptedLength)
        expectBytes(body, encrypted)
        expect(decryptDelivered(c, key, msgId, body)).toEqual(delivered)

        // The item that is encrypted inside its block says the same.
        const params = transmissionParams(20, new Uint8Array(32))
        const recipientId = new Uint8Array(24).fill(7)
        const corrId = new Uint8Array(0)
        const item = deliveryItem(c, params, { corrId, recipientId, msgId, key, content: delivered })
        const block = batchContent({ items: [item], length: 3 + item.length })
        expect(decodeResponses(block, params)).toEqual([
          { ok: true, corrId, entityId: recipientId, message: { tag: "MSG", msgId, body } },
        ])
      })
    })
  })

  describe.each(smpArrays<BodyParseVector>("deliveredBodyParse"))("$name", ({ cases }) => {
    it.each(cases)("$name", ({ content, type, ts, notification, body }) => {
      const parse = (): DeliveredContent => decodeDelivered(fromHex(content))
      if (type === undefined) expect(parse).toThrow(DecodeError)
      else if (type === "quota") expect(parse()).toEqual({ kind: "quota", timestamp: Number(ts) })
      else {
        const expected = { kind: "message", timestamp: Number(ts), notify: notification, body: fromHex(body ?? "") }
        expect(parse()).toEqual(expected)
      }
    })
  })

  describe.each(smpArrays<MetaVector>("notificationMeta"))("$name", ({ cases }) => {
    describe.each(backEnds)("$name", (c) => {
      it.each(cases)("$name", ({ secret, nonce, msgId, ts, content, encrypted }) => {
        const meta = { msgId: fromHex(msgId), timestamp: Number(ts) }
        expect(toHex(encodeNotificationMeta(meta))).toBe(content)
        expect(decodeNotificationMeta(fromHex(`${content}00`))).toEqual(meta)
        const key = c.boxKey(fromHex(secret))
        expect(toHex(encryptNotificationMeta(c, key, fromHex(nonce), meta))).toBe(encrypted)
        expect(decryptNotificationMeta(c, key, fromHex(nonce), fromHex(encrypted))).toEqual(meta)
      })
    })
  })
})

/** The content of a vector; long bodies are `b` many times. */
function deliveredOf(content: BytesOutput): DeliveredContent {
  if (typeof content === "string") return decodeDelivered(fromHex(content))
  const start = decodeDelivered(fromHex(content.first))
  if (start.kind !== "message") throw new Error("message expected")
  return { ...start, body: new Uint8Array(content.length - 10).fill(0x62) }
}
