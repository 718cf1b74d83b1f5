import { nativeCrypto } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { EntityId, LinkData } from "@sluice/smp-protocol/types"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { AUTH, authKeys, cmd, createQueue, hex, newQueue, OK, QUOTA, type TestQueue } from "../support/queue.ts"
import { newCorrId, type RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { message, receive, secure, secureAsSender, sendTo } from "../support/steps.ts"
import { versionsFrom } from "../support/versions.ts"

/** smp.md §10.9 and §2.3. */
let relay: TestRelay
beforeAll(async () => {
  relay = await TestRelay.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const DATA: LinkData = { fixed: utf8("fixed"), user: utf8("user") }
const UPDATED: LinkData = { fixed: DATA.fixed, user: utf8("updated") }
const OTHER_FIXED: LinkData = { fixed: utf8("other"), user: DATA.user }

describe.each(versionsFrom(15))("§10.9 at version %i", (v) => {
  let r: RawClient
  let s: RawClient
  beforeEach(async () => {
    r = await relay.connect({ versions: v })
    s = await relay.connect({ versions: v })
  })

  const lset = (queue: TestQueue, linkId: EntityId, data: LinkData): Promise<BrokerMessage> =>
    r.ask({ tag: "LSET", linkId, data }, queue.asRecipient)
  const ldel = (queue: TestQueue): Promise<BrokerMessage> => r.ask({ tag: "LDEL" }, queue.asRecipient)
  const lget = (entity: EntityId): Promise<BrokerMessage> => s.ask({ tag: "LGET" }, { entity })
  const lkey = (entity: EntityId, keys = authKeys()): Promise<BrokerMessage> =>
    s.ask({ tag: "LKEY", senderKey: keys.publicKey }, { entity, key: keys.privateKey })

  test("cases 68 to 74: the link of a messaging queue, which secures it", async () => {
    const other = newQueue({ link: DATA, senderId: senderIdFrom(newCorrId()) })
    expect(await r.ask(other.command, { key: other.keys.privateKey, corrId: other.corrId })).toEqual(cmd("PROHIBITED"))

    const corrId = newCorrId()
    const queue = await createQueue(r, { link: DATA, corrId })
    const { ids } = queue
    expect(hex(ids.senderId)).toBe(hex(senderIdFrom(corrId)))
    expect(ids).toMatchObject({ queueMode: "messaging", serviceId: undefined, notifier: undefined })
    const linkId = linkOf(queue)
    expect(linkId).toHaveLength(24)

    expect(await lget(linkId)).toEqual(AUTH)
    expect(await lset(queue, linkId, UPDATED)).toEqual(OK)

    const keys = authKeys()
    const command = { tag: "LKEY", senderKey: keys.publicKey } as const
    expect(await s.ask(command, { entity: linkId })).toEqual(cmd("NO_AUTH"))
    expect(await s.ask(command, { entity: linkId, key: authKeys().privateKey })).toEqual(AUTH)
    expect(await s.ask(command, { entity: ids.recipientId, key: keys.privateKey })).toEqual(AUTH)
    const found = { tag: "LNK", senderId: ids.senderId, data: UPDATED }
    expect(await lkey(linkId, keys)).toEqual(found)
    expect(await lkey(linkId)).toEqual(AUTH)
    expect(await lkey(linkId, keys)).toEqual(found)

    expect(await lset(queue, linkId, DATA)).toEqual(AUTH)
    expect(await ldel(queue)).toEqual(OK)
    expect(await lkey(linkId, keys)).toEqual(AUTH)
    queue.senderKeys = keys
    expect(await sendTo(s, queue, "hello")).toEqual(OK)
    expect((await receive(r, queue)).text).toBe("hello")
  })

  test("cases 75 to 79: the link of a contact queue, which everybody may read", async () => {
    const other = newQueue({ mode: "contact", link: DATA, senderId: senderIdFrom(newCorrId()) })
    expect(await r.ask(other.command, { key: other.keys.privateKey, corrId: other.corrId })).toEqual(cmd("PROHIBITED"))

    const [corrId, linkId] = [newCorrId(), newCorrId()]
    const queue = await createQueue(r, { mode: "contact", link: DATA, corrId, linkId })
    const { ids } = queue
    expect(ids.queueMode).toBe("contact")
    expect([hex(ids.linkId), hex(ids.senderId)]).toEqual([hex(linkId), hex(senderIdFrom(corrId))])

    expect(await lkey(linkId)).toEqual(AUTH)
    expect(await s.ask({ tag: "LGET" }, { entity: linkId, key: authKeys().privateKey })).toEqual(cmd("HAS_AUTH"))
    expect(await lget(ids.recipientId)).toEqual(AUTH)
    const found = { tag: "LNK", senderId: ids.senderId, data: DATA }
    expect([await lget(linkId), await lget(linkId)]).toEqual([found, found])

    expect(await lset(queue, linkId, UPDATED)).toEqual(OK)
    expect(await lget(linkId)).toEqual({ ...found, data: UPDATED })
    expect(await lset(queue, newCorrId(), UPDATED)).toEqual(AUTH)
    expect(await lset(queue, linkId, OTHER_FIXED)).toEqual(AUTH)
    expect(await lget(linkId)).toEqual({ ...found, data: UPDATED })

    expect([await ldel(queue), await ldel(queue)]).toEqual([OK, OK])
    expect(await lget(linkId)).toEqual(AUTH)
    // Without a link it may have another one.
    expect(await lset(queue, linkId, OTHER_FIXED)).toEqual(OK)
    expect(await lget(linkId)).toEqual({ ...found, data: OTHER_FIXED })
  })

  test("case 80: a link id in use is not taken over", async () => {
    const linkId = newCorrId()
    const queue = await createQueue(r, { mode: "contact", link: DATA, linkId })
    const thief = await createQueue(r, { mode: "contact" })
    expect(await lset(thief, linkId, UPDATED)).toEqual(AUTH)
    expect(await lget(linkId)).toEqual({ tag: "LNK", senderId: queue.ids.senderId, data: DATA })

    // Not by NEW either.
    const again = newQueue({ mode: "contact", link: DATA, linkId })
    expect(await r.ask(again.command, { key: again.keys.privateKey, corrId: again.corrId })).toEqual(AUTH)
    expect(await lget(linkId)).toEqual({ tag: "LNK", senderId: queue.ids.senderId, data: DATA })
  })

  test("NEW with a sender id in use", async () => {
    const corrId = newCorrId()
    await createQueue(r, { link: DATA, corrId })
    const again = newQueue({ link: DATA, corrId })
    expect(await r.ask(again.command, { key: again.keys.privateKey, corrId })).toEqual(AUTH)
  })

  test("the first accepted SEND to a secured messaging queue removes its link", async () => {
    const queue = await createQueue(r, { link: DATA, subscription: "create-only" })
    const linkId = linkOf(queue)
    // Unsecured: the link stays.
    expect(await sendTo(s, queue, "1")).toEqual(OK)
    const keys = authKeys()
    expect((await lkey(linkId, keys)).tag).toBe("LNK")
    // Refused: it stays, too.
    expect(await s.ask(message("2"), { entity: queue.ids.senderId })).toEqual(AUTH)
    expect((await lkey(linkId, keys)).tag).toBe("LNK")
    queue.senderKeys = keys
    expect(await sendTo(s, queue, "2")).toEqual(OK)
    expect(await lkey(linkId, keys)).toEqual(AUTH)
    expect(await lset(queue, linkId, DATA)).toEqual(AUTH)
    expect(await ldel(queue)).toEqual(OK)
  })

  test("also one that is refused for quota", async () => {
    const queue = await createQueue(r, { link: DATA, subscription: "create-only" })
    const keys = authKeys()
    for (let i = 0; i < 4; i++) expect(await sendTo(s, queue, `${i}`)).toEqual(OK)
    expect((await lkey(linkOf(queue), keys)).tag).toBe("LNK")
    queue.senderKeys = keys
    expect(await sendTo(s, queue, "5")).toEqual(QUOTA)
    expect(await lkey(linkOf(queue), keys)).toEqual(AUTH)
  })

  test("a contact queue keeps its link when it is secured and written to", async () => {
    const queue = await createQueue(r, { mode: "contact", link: DATA })
    expect(await secure(r, queue)).toEqual(OK)
    expect(await sendTo(s, queue, "1")).toEqual(OK)
    expect((await lget(linkOf(queue))).tag).toBe("LNK")
  })

  test("a queue without mode: LGET until it is secured, then neither LGET nor LSET", async () => {
    const queue = await createQueue(r, { mode: "none", subscription: "create-only" })
    const linkId = newCorrId()
    expect(await lset(queue, linkId, DATA)).toEqual(OK)
    expect((await lget(linkId)).tag).toBe("LNK")
    expect(await lkey(linkId)).toEqual(AUTH)
    expect(await secureAsSender(s, queue)).toEqual(AUTH)
    expect(await secure(r, queue)).toEqual(OK)
    expect(await lget(linkId)).toEqual(AUTH)
    expect(await lset(queue, linkId, UPDATED)).toEqual(AUTH)
    expect(await sendTo(s, queue, "1")).toEqual(OK)
    expect(await ldel(queue)).toEqual(OK)
  })

  test("links as large as a block allows, and empty ones", async () => {
    for (const user of [nativeCrypto.randomBytes(13_000), new Uint8Array(0)]) {
      const data = { fixed: user.subarray(0, 2000), user }
      const queue = await createQueue(r, { mode: "contact", link: data })
      const answer = await lget(linkOf(queue))
      if (answer.tag !== "LNK") throw new Error(`LGET was answered with ${answer.tag}`)
      expect(Buffer.compare(answer.data.user, user)).toBe(0)
      expect(Buffer.compare(answer.data.fixed, data.fixed)).toBe(0)
    }
  })

  test("deleting the queue removes its link", async () => {
    const queue = await createQueue(r, { mode: "contact", link: DATA })
    expect(await r.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
    expect(await lget(linkOf(queue))).toEqual(AUTH)
  })
})

function senderIdFrom(corrId: Uint8Array): EntityId {
  return nativeCrypto.sha3_384(corrId).slice(0, 24)
}

function linkOf({ ids }: TestQueue): EntityId {
  if (ids.linkId === undefined) throw new Error("a queue without link")
  return ids.linkId
}
