import { ManualClock } from "@sluice/ops/manual-clock"
import type { BlockingInfo } from "@sluice/queue-store/records"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { AUTH, authKeys, createQueue, hex, OK, sok, type TestQueue } from "../support/queue.ts"
import { newCorrId, type RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import {
  addNotifier,
  drain,
  expectEvent,
  message,
  nsub,
  secureAsSender,
  sendTo,
  sub,
  subWithMessage,
} from "../support/steps.ts"
import { versionsFrom } from "../support/versions.ts"

/** smp.md §10.8 and the end of §7. Time is the test's own: nothing waits for it. */
describe("§10.8, expiry", () => {
  test("case 64: expiry on SEND removes what is older than the limit", async () => {
    await using relay = await aged({ "relay.expire_on_send": true })
    const { queue, r, s, clock } = relay
    expect(await sendTo(s, queue, "1")).toEqual(OK)
    clock.advance(2500)
    expect(await sendTo(s, queue, "2")).toEqual(OK)
    const { first } = await subWithMessage(r, queue)
    expect(await drain(r, queue, first)).toEqual(["2"])
  })

  test("case 65: periodic expiry", async () => {
    await using relay = await aged({ "relay.message_check_interval": "1s" })
    const { queue, r, s, clock, running } = relay
    expect(await sendTo(s, queue, "1")).toEqual(OK)
    await passing(clock, () => running.relay.statistics.msgExpired === 1)
    expect(await sub(r, queue)).toEqual(sok(r))
    await r.quiet()
  })

  test("case 66: neither", async () => {
    await using relay = await aged({})
    const { queue, r, s, clock } = relay
    expect(await sendTo(s, queue, "1")).toEqual(OK)
    await clock.advanceAsync(2500)
    const { first } = await subWithMessage(r, queue)
    expect(await drain(r, queue, first)).toEqual(["1"])
  })

  test("a quota marker does not expire, and stops expiry", async () => {
    await using relay = await aged({ "relay.expire_on_send": true, "relay.message_quota": 2 })
    const { queue, r, s, clock } = relay
    expect(await sendTo(s, queue, "1")).toEqual(OK)
    expect(await sendTo(s, queue, "2")).toEqual(OK)
    expect((await sendTo(s, queue, "3")).tag).toBe("ERR")
    clock.advance(2500)
    // The messages are gone, but not the marker: still no room.
    expect((await sendTo(s, queue, "4")).tag).toBe("ERR")
    const { first } = await subWithMessage(r, queue)
    expect(await drain(r, queue, first)).toEqual(["(quota)"])
    expect(await sendTo(s, queue, "5")).toEqual(OK)
  })

  test("a delivered message may expire: its ACK returns what follows it", async () => {
    await using relay = await aged({ "relay.expire_on_send": true })
    const { queue, r, s, clock } = relay
    expect(await sendTo(s, queue, "1")).toEqual(OK)
    const { first } = await subWithMessage(r, queue)
    clock.advance(2500)
    expect(await sendTo(s, queue, "2")).toEqual(OK)
    expect(await drain(r, queue, first)).toEqual(["1", "2"])
  })

  test("notifications expire", async () => {
    await using relay = await aged({
      "relay.message_ttl": "1h",
      "relay.notification_ttl": "1s",
      "relay.notification_check_interval": "1s",
    })
    const { queue, r, s, clock, running } = relay
    await addNotifier(r, queue)
    expect(await sendTo(s, queue, "1", true)).toEqual(OK)
    await passing(clock, () => running.relay.statistics.msgNtfExpired === 1)
    expect(await nsub(r, queue)).toEqual(sok(r))
    await clock.advanceAsync(3000)
    await r.quiet()
  })

  test("link data of invitations that nobody used expires where that is switched on, and not by default", async () => {
    for (const on of [true, false]) {
      await using relay = await aged({
        ...(on && { "relay.invitation_ttl": "1d" }),
        "relay.message_ttl": "30d",
        "relay.message_check_interval": "1h",
      })
      const { r, clock, running } = relay
      let { s } = relay
      const link = { fixed: new Uint8Array(3), user: new Uint8Array(3) }
      const unused = await createQueue(r, { link })
      const used = await createQueue(r, { link })
      const contact = await createQueue(r, { link, mode: "contact" })
      const keys = authKeys()
      const lkey = (queue: TestQueue): Promise<BrokerMessage> =>
        s.ask(
          { tag: "LKEY", senderKey: keys.publicKey },
          { entity: queue.ids.linkId ?? newCorrId(), key: keys.privateKey },
        )
      expect((await lkey(used)).tag).toBe("LNK")
      // Days are what the store knows of the age of a queue.
      await clock.advanceAsync(3 * 86_400_000)
      const gone = async (): Promise<boolean> => (await running.store.linkData(unused.ids.recipientId)) === undefined
      if (on) await passing(clock, gone)
      // The connection was closed meanwhile, for it was idle.
      s = await running.connect()
      expect((await lkey(unused)).tag).toBe(on ? "ERR" : "LNK")
      expect((await lkey(used)).tag).toBe("LNK")
      expect((await s.ask({ tag: "LGET" }, { entity: contact.ids.linkId ?? newCorrId() })).tag).toBe("LNK")
    }
  })
})

describe("§10.8, blocked queues", () => {
  let relay: TestRelay
  beforeAll(async () => {
    relay = await TestRelay.start()
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  describe.each(versionsFrom())("at version %i", (v) => {
    let r: RawClient
    let s: RawClient
    beforeEach(async () => {
      r = await relay.connect({ versions: v })
      s = await relay.connect({ versions: v })
    })
    /** As this version hears of it: nothing below 12, without the notice below 18. */
    const blockedError = (info: BlockingInfo): BrokerMessage => {
      if (v < 12) return AUTH
      const { reason, notice } = info
      return { tag: "ERR", error: { type: "BLOCKED", reason, ...(v >= 18 && notice && { notice }) } }
    }

    test("case 67: SKEY of a blocked queue", async () => {
      const queue = await createQueue(r)
      await relay.store.block(queue.ids.recipientId, { reason: "content" })
      expect(await secureAsSender(s, queue)).toEqual(blockedError({ reason: "content" }))
      const wrong = { entity: queue.ids.senderId, key: authKeys().privateKey }
      expect(await s.ask({ tag: "SKEY", senderKey: authKeys().publicKey }, wrong)).toEqual(AUTH)
    })

    test("every command of a blocked queue, as the table of §7 says", async () => {
      const info: BlockingInfo = { reason: "spam", notice: { ttl: 86_400 } }
      const data = { fixed: new Uint8Array(3), user: new Uint8Array(3) }
      const queue = await createQueue(r, { mode: "contact" })
      const notifier = await addNotifier(r, queue)
      const linkId = newCorrId()
      if (v >= 15) expect(await r.ask({ tag: "LSET", linkId, data }, queue.asRecipient)).toEqual(OK)
      const senderKey = authKeys().publicKey
      await relay.store.block(queue.ids.recipientId, info)

      const expected = blockedError(info)
      const dhKey = queue.ids.dhKey
      for (const command of [
        { tag: "SUB" },
        { tag: "GET" },
        { tag: "ACK", msgId: newCorrId() },
        { tag: "KEY", senderKey },
        { tag: "NKEY", notifierKey: senderKey, dhKey },
        { tag: "NDEL" },
        { tag: "QUE" },
        ...(v < 15
          ? []
          : ([{ tag: "RKEY", recipientKeys: [senderKey] }, { tag: "LSET", linkId, data }, { tag: "LDEL" }] as const)),
      ] as const) {
        expect(await r.ask(command, queue.asRecipient), command.tag).toEqual(expected)
        // Who has no key learns nothing.
        const wrong = { ...queue.asRecipient, key: authKeys().privateKey }
        expect(await s.ask(command, wrong), command.tag).toEqual(AUTH)
      }
      expect(await sendTo(s, queue, "hello")).toEqual(expected)
      if (v >= 15) expect(await s.ask({ tag: "LGET" }, { entity: linkId })).toEqual(expected)

      const n = await relay.connect({ versions: v })
      expect(await n.ask({ tag: "NSUB" }, notifier.asNotifier)).toEqual(sok(n))
      expect(await r.ask({ tag: "OFF" }, queue.asRecipient)).toEqual(OK)
      expect(await sendTo(s, queue, "hello")).toEqual(AUTH)
      await relay.store.block(queue.ids.recipientId, info)
      expect(await r.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
      await expectEvent(n, notifier.notifierId, { tag: v >= 10 ? "DELD" : "END" })
    })

    test("an unblocked queue works again, with everything that was in it", async () => {
      const queue = await createQueue(r, { subscription: "create-only" })
      expect(await sendTo(s, queue, "1")).toEqual(OK)
      const { recipientId } = queue.ids
      await relay.store.block(recipientId, { reason: "spam" })
      expect(await sub(r, queue)).toEqual(blockedError({ reason: "spam" }))
      await relay.store.unblock(recipientId)
      const { answer, first } = await subWithMessage(r, queue)
      expect([answer, first.text, hex(first.id).length]).toEqual([sok(r), "1", 48])
    })

    test("SEND to a blocked queue: size before block, block before quota", async () => {
      const queue = await createQueue(r, { subscription: "create-only" })
      for (let i = 0; i < 5; i++) await sendTo(s, queue, `${i}`)
      await relay.store.block(queue.ids.recipientId, { reason: "spam" })
      expect(await sendTo(s, queue, "6")).toEqual(blockedError({ reason: "spam" }))
      const large = await s.ask(message(new Uint8Array(16_089)), queue.asSender)
      expect(large).toEqual({ tag: "ERR", error: { type: "LARGE_MSG" } })
    })
  })
})

interface Aged extends AsyncDisposable {
  readonly running: TestRelay
  readonly clock: ManualClock
  readonly r: RawClient
  readonly s: RawClient
  readonly queue: TestQueue
}

/** A relay whose messages live for a second, looked for rarely, with a clock in the test's hand. */
async function aged(settings: Readonly<Record<string, unknown>>): Promise<Aged> {
  const clock = new ManualClock(Date.now())
  const defaults = { "relay.message_ttl": "1s", "relay.message_check_interval": "1000h" }
  const running = await TestRelay.start({ clock, settings: { ...defaults, ...settings } })
  const [r, s] = [await running.connect(), await running.connect()]
  const queue = await createQueue(r, { subscription: "create-only" })
  return { running, clock, r, s, queue, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() }
}

/** Lets time pass until something that takes a periodic job, and the store's own time, has come true. */
function passing(clock: ManualClock, holds: () => boolean | Promise<boolean>): Promise<void> {
  return vi.waitFor(async () => {
    await clock.advanceAsync(500)
    expect(await holds()).toBe(true)
  }, 10_000)
}
