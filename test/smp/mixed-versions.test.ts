import { nativeCrypto } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import { maxMessageLength } from "@sluice/smp-protocol/versions"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { AUTH, authKeys, createQueue, LARGE_MSG, OK, sok } from "../support/queue.ts"
import { newCorrId } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import {
  ack,
  addNotifier,
  expectEvent,
  nsub,
  receive,
  secure,
  secureAsSender,
  sendTo,
  sub,
  subWithMessage,
} from "../support/steps.ts"

/** Clients of different versions that meet at one queue: each is spoken to in its own. */
let relay: TestRelay
beforeAll(async () => {
  relay = await TestRelay.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const VERSIONS = [6, 8, 9, 11, 14, 16, 20]
const PAIRS = VERSIONS.flatMap((recipient) => VERSIONS.map((sender) => [recipient, sender] as const)).filter(
  ([recipient, sender]) => recipient !== sender,
)

describe.each(PAIRS)("a recipient of version %i, a sender of version %i", (rv, sv) => {
  test("messages up to the sender's limit", async () => {
    const [r, s] = [await relay.connect({ versions: rv }), await relay.connect({ versions: sv })]
    const queue = await createQueue(r)
    if (rv >= 9) expect(await secureAsSender(s, queue)).toEqual(OK)
    else {
      // Without a mode only the recipient may secure.
      expect(await secureAsSender(s, queue)).toEqual(AUTH)
      expect(await secure(r, queue)).toEqual(OK)
    }
    const body = nativeCrypto.randomBytes(maxMessageLength(sv))
    expect(await sendTo(s, queue, body)).toEqual(OK)
    const { message } = await r.event()
    const content = queue.open(message)
    expect(content.kind === "message" && Buffer.compare(content.body, body)).toBe(0)
    expect(await ack(r, queue, content)).toEqual(OK)
    expect(await sendTo(s, queue, nativeCrypto.randomBytes(body.length + 1))).toEqual(LARGE_MSG)
  })

  test("subscriptions that move", async () => {
    const [a, b] = [await relay.connect({ versions: rv }), await relay.connect({ versions: sv })]
    const queue = await createQueue(a)
    const { notifierId } = await addNotifier(a, queue)
    expect(await sub(b, queue)).toEqual(sok(b))
    await expectEvent(a, queue.ids.recipientId, { tag: "END" })
    expect(await nsub(a, queue)).toEqual(sok(a))
    expect(await nsub(b, queue)).toEqual(sok(b))
    await expectEvent(a, notifierId, { tag: "END" })
    expect(await sendTo(a, queue, "hello")).toEqual(OK)
    expect((await receive(b, queue)).text).toBe("hello")
    expect(await b.ask({ tag: "OFF" }, queue.asRecipient)).toEqual(OK)
    expect(await subWithMessage(a, queue)).toMatchObject({ answer: sok(a), first: { text: "hello" } })
    await expectEvent(b, queue.ids.recipientId, { tag: "END" })
    expect(await b.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
    await expectEvent(a, queue.ids.recipientId, { tag: rv >= 10 ? "DELD" : "END" })
  })
})

test("a queue that an old client made gets a link by a new one", async () => {
  const [old, r] = [await relay.connect({ versions: 8 }), await relay.connect()]
  const queue = await createQueue(old)
  const linkId = newCorrId()
  const data = { fixed: utf8("fixed"), user: utf8("user") }
  expect(await r.ask({ tag: "LSET", linkId, data }, queue.asRecipient)).toEqual(OK)
  const { senderId } = queue.ids
  expect(await r.ask({ tag: "LGET" }, { entity: linkId })).toEqual({ tag: "LNK", senderId, data })
  const { publicKey: senderKey, privateKey: key } = authKeys()
  expect(await r.ask({ tag: "LKEY", senderKey }, { entity: linkId, key })).toEqual(AUTH)
  expect(await r.ask({ tag: "RKEY", recipientKeys: [senderKey] }, queue.asRecipient)).toEqual(AUTH)
})
