import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, test } from "vitest"
import { AUTH, createQueue, hex, OK, QUOTA, sok } from "../support/queue.ts"
import { tagsOf } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import {
  ack,
  addNotifier,
  delivered,
  drain,
  message,
  nsub,
  receive,
  secure,
  secureAsSender,
  sendTo,
  sub,
  subWithMessage,
} from "../support/steps.ts"
import { versionsFrom } from "../support/versions.ts"

/** smp.md §10.5: LMDB keeps everything, memory nothing. */
describe.each(versionsFrom())("§10.5 at version %i", (v) => {
  test("case 47: a queue with its notifier is there after a restart, a deleted one is not", async () => {
    await using relay = await TestRelay.start()
    let r = await relay.connect({ versions: v })
    let n = await relay.connect({ versions: v })
    const queue = await createQueue(r)
    await secure(r, queue)
    await addNotifier(r, queue)
    const gone = await createQueue(r)
    await secure(r, gone)
    expect(await nsub(n, queue)).toEqual(sok(n))
    expect(await r.ask({ tag: "DEL" }, gone.asRecipient)).toEqual(OK)

    await relay.stop()
    await relay.start()
    r = await relay.connect({ versions: v })
    n = await relay.connect({ versions: v })
    expect(await nsub(n, queue)).toEqual(sok(n))
    expect(await sub(r, queue)).toEqual(sok(r))
    // Sender and recipient share a connection: MSG before OK, each in its own block.
    const [corrId] = r.send({ command: message("hello", true), ...queue.asSender })
    const [first, second] = await r.blocks(2)
    expect([first, second].map((block) => tagsOf(block ?? []))).toEqual([["MSG"], ["OK"]])
    expect(second?.[0]).toMatchObject({ corrId, entityId: queue.ids.senderId })
    const received = delivered(queue, first?.[0]?.message ?? OK)
    expect(received.text).toBe("hello")
    const notified = await n.event()
    expect(hex(queue.notifier?.open(notified.message).msgId)).toBe(hex(received.id))
    expect(await ack(r, queue, received)).toEqual(OK)
    expect(await sendTo(n, gone, "hello")).toEqual(AUTH)
    expect(await sub(r, gone)).toEqual(AUTH)
  })

  test("case 48: a relay without storage forgets its queues", async () => {
    await using relay = await TestRelay.start({ store: "memory" })
    const r = await relay.connect({ versions: v })
    const queue = await createQueue(r)
    await secure(r, queue)
    expect(await sendTo(await relay.connect({ versions: v }), queue, "hello")).toEqual(OK)
    await relay.stop()
    await relay.start()
    const again = await relay.connect({ versions: v })
    expect(await sendTo(again, queue, "hello")).toEqual(AUTH)
    expect(await sub(again, queue)).toEqual(AUTH)
  })

  test("case 49: messages, their order and the quota are there after restarts", async () => {
    await using relay = await TestRelay.start()
    let r = await relay.connect({ versions: v })
    const queue = await createQueue(r, { subscription: "create-only" })
    await secure(r, queue)
    for (const text of ["1", "2", "3", "4"]) expect(await sendTo(r, queue, text)).toEqual(OK)
    expect(await sendTo(r, queue, "5")).toEqual(QUOTA)

    const restart = async (): Promise<void> => {
      await relay.stop()
      await relay.start()
      r = await relay.connect({ versions: v })
    }
    await restart()
    const { first } = await subWithMessage(r, queue)
    expect(first.text).toBe("1")
    const second = delivered(queue, await ack(r, queue, first))
    expect(second.text).toBe("2")
    const third = delivered(queue, await ack(r, queue, second))
    expect(third.text).toBe("3")

    await restart()
    const again = await subWithMessage(r, queue)
    expect(hex(again.first.id)).toBe(hex(third.id))
    expect(await sendTo(await relay.connect({ versions: v }), queue, "6")).toEqual(QUOTA)
    expect(await drain(r, queue, again.first)).toEqual(["3", "4", "(quota)"])
    const s = await relay.connect({ versions: v })
    expect(await sendTo(s, queue, "7")).toEqual(OK)
    expect((await receive(r, queue)).text).toBe("7")
  })
})

test("case 50: a restart removes the messages that are too old, if it is told to", async () => {
  const clock = new ManualClock(Date.now())
  await using relay = await TestRelay.start({ clock })
  const r = await relay.connect()
  const queue = await createQueue(r, { subscription: "create-only" })
  await secure(r, queue)
  for (const text of ["1", "2"]) expect(await sendTo(r, queue, text)).toEqual(OK)
  clock.advance(3000)
  for (const text of ["3", "4"]) expect(await sendTo(r, queue, text)).toEqual(OK)

  await relay.stop()
  await relay.start({ "relay.message_ttl": "24h" })
  const early = await relay.connect()
  expect((await early.ask({ tag: "QUE" }, queue.asRecipient)) as unknown).toMatchObject({ size: 4 })
  await relay.stop()
  await relay.start({ "relay.message_ttl": "2s", "relay.expire_on_start": false })
  const same = await relay.connect()
  expect((await same.ask({ tag: "QUE" }, queue.asRecipient)) as unknown).toMatchObject({ size: 4 })
  await relay.stop()
  await relay.start({ "relay.message_ttl": "2s" })
  const late = await relay.connect()
  const { first } = await subWithMessage(late, queue)
  expect(await drain(late, queue, first)).toEqual(["3", "4"])
})

test("everything else about a queue survives, too", async () => {
  await using relay = await TestRelay.start()
  const r = await relay.connect()
  const data = { fixed: new Uint8Array(10).fill(1), user: new Uint8Array(20).fill(2) }
  const address = await createQueue(r, { mode: "contact", link: data, notifier: true })
  const off = await createQueue(r)
  expect(await r.ask({ tag: "OFF" }, off.asRecipient)).toEqual(OK)
  const blocked = await createQueue(r)
  await relay.store.block(blocked.ids.recipientId, { reason: "content" })
  await relay.stop()
  await relay.start()
  const again = await relay.connect()
  const { linkId: entity, senderId } = address.ids
  if (entity === undefined) throw new Error("no link")
  expect(await again.ask({ tag: "LGET" }, { entity })).toEqual({ tag: "LNK", senderId, data })
  expect(await nsub(again, address)).toEqual(sok(again))
  expect(await sendTo(again, off, "no")).toEqual(AUTH)
  expect(await sub(again, off)).toEqual(sok(again))
  const error = { type: "BLOCKED", reason: "content" }
  expect(await secureAsSender(again, blocked)).toEqual({ tag: "ERR", error })
})
