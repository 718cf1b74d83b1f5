import { decodePrivateKey, decodePublicKey, type KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto as c, createNativeCrypto } from "@sluice/crypto/native"
import { concatBytes, fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import { decodeClientMessage } from "@sluice/smp-protocol/client-message"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { E2eRecipient, E2eSender } from "./e2e.ts"

interface KeyJson {
  readonly pub: string
  readonly priv: string
}
interface CaseJson {
  readonly name: string
  readonly recipientKey: KeyJson
  readonly senderKey: KeyJson
  readonly clientVersion: number
  readonly nonce: string
  readonly privHeader: string
  readonly body: string | { readonly repeat: string; readonly length: number }
  readonly paddedLength: number
  /** Absent where the reference refuses the message as too long. */
  readonly envelope?: string
}

const agent = vectors("agent.json") as { readonly clientMessages: readonly CaseJson[] } | undefined

function pair({ pub, priv }: KeyJson): KeyPair<"x25519"> {
  const publicKey = decodePublicKey(fromHex(pub))
  const privateKey = decodePrivateKey(fromHex(priv))
  if (publicKey.algorithm !== "x25519" || privateKey.algorithm !== "x25519") throw new Error("not an X25519 key")
  return { publicKey, privateKey }
}

function bodyOf({ body }: CaseJson): Uint8Array {
  return fromHex(typeof body === "string" ? body : body.repeat.repeat(body.length))
}

describe.skipIf(agent === undefined)("reference vectors", () => {
  const cases = agent?.clientMessages ?? []

  test("there are some", () => expect(cases.length).toBeGreaterThan(0))

  test.each(cases)("$name", (it) => {
    const recipient = pair(it.recipientKey)
    const sender = pair(it.senderKey)
    const content = decodeClientMessage(concatBytes(fromHex(it.privHeader), bodyOf(it)))

    const fixed = createNativeCrypto({ random: (into) => into.set(fromHex(it.nonce)) })
    const end = new E2eSender(fixed, recipient.publicKey, sender, it.clientVersion)
    const seal = (): Uint8Array =>
      it.paddedLength === 15_904 ? end.confirmation(content.body, content.senderKey) : end.message(content.body)
    if (it.envelope === undefined) {
      expect(seal).toThrow(EncodeError)
      return
    }
    expect(toHex(seal())).toBe(it.envelope)
    const received = new E2eRecipient(c, recipient, sender.publicKey).open(fromHex(it.envelope))
    expect(received).toEqual(content)
  })
})

test("two ends agree through the first message and go on", () => {
  const recipient = new E2eRecipient(c)
  const sender = new E2eSender(c, recipient.publicKey)
  const auth = c.generateKeyPair("ed25519").publicKey
  const first = sender.confirmation(utf8("hello"), auth)
  expect(first).toHaveLength(15_992)
  expect(recipient.open(first)).toEqual({ body: utf8("hello"), senderKey: auth })
  const second = sender.message(utf8("again"))
  expect(second).toHaveLength(16_043)
  expect(recipient.open(second)?.body).toEqual(utf8("again"))
  // delivered twice
  expect(recipient.open(first)?.body).toEqual(utf8("hello"))

  const restarted = new E2eRecipient(c, recipient.keys, recipient.senderKey)
  expect(restarted.open(second)?.body).toEqual(utf8("again"))
})

test("the largest messages fit, larger ones do not", () => {
  const recipient = new E2eRecipient(c)
  const sender = new E2eSender(c, recipient.publicKey)
  const key = c.generateKeyPair("ed25519").publicKey
  expect(recipient.open(sender.confirmation(new Uint8Array(15_856), key))?.body).toHaveLength(15_856)
  expect(recipient.open(sender.confirmation(new Uint8Array(15_901)))?.body).toHaveLength(15_901)
  expect(recipient.open(sender.message(new Uint8Array(15_997)))?.body).toHaveLength(15_997)
  expect(() => sender.confirmation(new Uint8Array(15_857), key)).toThrow("too large")
  expect(() => sender.message(new Uint8Array(15_998))).toThrow("too large")
})

test("only the sender of the first message is heard", () => {
  const recipient = new E2eRecipient(c)
  const sender = new E2eSender(c, recipient.publicKey)
  const stranger = new E2eSender(c, recipient.publicKey)
  expect(recipient.open(sender.message(utf8("too early")))).toBeUndefined()
  expect(recipient.senderKey).toBeUndefined()
  recipient.open(sender.confirmation(utf8("hello")))
  expect(recipient.open(stranger.confirmation(utf8("me too")))).toBeUndefined()
  expect(recipient.open(stranger.message(utf8("me too")))).toBeUndefined()
  expect(recipient.senderKey).toEqual(sender.keys.publicKey)
})

test("a key of low order, and versions from the future", () => {
  const weak = { kind: "public", algorithm: "x25519", raw: new Uint8Array(32) } as const
  expect(() => new E2eSender(c, weak)).toThrow(TypeError)
  const recipient = new E2eRecipient(c)
  expect(recipient.open(new E2eSender(c, recipient.publicKey, undefined, 5).confirmation(utf8("x")))).toBeUndefined()
  expect(recipient.open(new E2eSender(c, recipient.publicKey, undefined, 0).confirmation(utf8("x")))).toBeUndefined()
})

test("hostile bodies are only ever refused", () => {
  const recipient = new E2eRecipient(c)
  const good = new E2eSender(c, recipient.publicKey).confirmation(utf8("hello"))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (body) => recipient.open(body) === undefined),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const body = good.slice()
      body[at] = (body[at] ?? 0) ^ change
      // a change of the version within its range is not noticed: that field is in clear
      return at < 2 || recipient.open(body) === undefined
    }),
    { numRuns: 60 },
  )
  expect(recipient.senderKey).toBeUndefined()
})
