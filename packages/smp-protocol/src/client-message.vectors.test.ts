import type { BoxKey, CryptoBackend } from "@sluice/crypto/backend"
import { concatBytes, fromHex, toHex } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import { describe, expect, it } from "vitest"
import { backEnds } from "../test/back-ends.ts"
import { expectBytes } from "../test/expect-bytes.ts"
import { otherArray, ownArray } from "../test/vector-files.ts"
import {
  type BytesInput,
  type BytesOutput,
  bytes,
  type KeyVector,
  privateKeyOf,
  x25519Key,
} from "../test/vector-values.ts"
import {
  CONFIRMATION_PADDED,
  decodeClientEnvelope,
  decodeClientMessage,
  encodeClientMessage,
  openClientMessage,
  sealClientMessage,
} from "./client-message.ts"

interface EnvelopeVector {
  readonly name: string
  readonly recipientKey: KeyVector
  readonly senderKey: KeyVector
  readonly secret: string
  readonly clientVersion: number
  readonly nonce: string
  readonly privHeader: string
  readonly body: BytesInput
  readonly paddedLength: number
  /** Missing where the message is too long. */
  readonly envelope?: BytesOutput
  readonly envelopeLength: number
}

describe("client messages of vector files", () => {
  const files = [
    ...ownArray<EnvelopeVector>("clientMessages"),
    ...otherArray<EnvelopeVector>("agent.json", "clientMessages"),
  ]
  describe.each(backEnds)("$name", (c) => {
    it.each(files.flatMap(({ cases }) => cases))("$name", (vector) => {
      const boxKey = boxKeyOf(c, vector)
      const nonce = fromHex(vector.nonce)
      const message = decodeClientMessage(concatBytes(fromHex(vector.privHeader), bytes(vector.body)))
      const key = vector.paddedLength === CONFIRMATION_PADDED ? x25519Key(vector.senderKey.pub) : undefined
      const envelope = { version: vector.clientVersion, key, nonce }
      const seal = (): Uint8Array => sealClientMessage(c, boxKey, envelope, message, vector.paddedLength)
      if (vector.envelope === undefined) {
        expect(seal).toThrow(EncodeError)
        return
      }
      const sealed = seal()
      expect(sealed).toHaveLength(vector.envelopeLength)
      expectBytes(sealed, vector.envelope)

      const received = decodeClientEnvelope(sealed)
      expect(received).toMatchObject(envelope)
      expect(openClientMessage(c, boxKey, received)).toEqual(message)
      expectBytes(encodeClientMessage(message), toHex(concatBytes(fromHex(vector.privHeader), bytes(vector.body))))
    })
  })
})

function boxKeyOf(c: CryptoBackend, { senderKey, recipientKey, secret }: EnvelopeVector): BoxKey {
  const sender = privateKeyOf(senderKey)
  if (sender.algorithm !== "x25519") throw new Error("X25519 key expected")
  expect(toHex(c.diffieHellman(sender, x25519Key(recipientKey.pub)))).toBe(secret)
  return c.boxKey(fromHex(secret))
}
