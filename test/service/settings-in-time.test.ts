import { once } from "node:events"
import { connect } from "node:net"
import type { TLSSocket } from "node:tls"
import { nativeCrypto } from "@sluice/crypto/native"
import { ManualClock } from "@sluice/ops/manual-clock"
import { connectTls } from "@sluice/transport/tls-client"
import { describe, expect, test } from "vitest"
import { createQueue, OK, sok } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { addNotifier, expectEvent, nsub, sendTo, sub, subWithMessage } from "../support/steps.ts"
import { until } from "./addresses.ts"
import { DEFAULTS, RelayPair } from "./relay-pair.ts"

/*
 * The settings of design.md §6 that are spans of time. A relay with the reference's defaults and one with the setting
 * changed run side by side on one clock: what differs is seen at the changed one first, and at the other when the default
 * has passed.
 */

const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR
/** Intervals of jobs vary by a tenth, so that nodes spread out. */
const SPREAD = 1.11

/** A stored message, and how many there are now. */
async function withMessage(client: RawClient): Promise<{ size: () => Promise<number>; send: () => Promise<unknown> }> {
  const queue = await createQueue(client, { subscription: "create-only" })
  const send = (): Promise<unknown> => sendTo(client, queue, "hello")
  expect(await send()).toEqual(OK)
  const size = async (): Promise<number> => {
    const answer = await client.ask({ tag: "QUE" }, queue.asRecipient)
    return answer.tag === "INFO" ? answer.size : Number.NaN
  }
  return { send, size }
}

/** A stored notification that nobody is subscribed to; how many expired at its relay. */
async function withNotification(client: RawClient): Promise<void> {
  const queue = await createQueue(client, { subscription: "create-only" })
  await addNotifier(client, queue)
  expect(await sendTo(client, queue, "hello", true)).toEqual(OK)
}

const expired = ({ relay }: TestRelay): number => relay.statistics.msgExpired
const expiredNotifications = ({ relay }: TestRelay): number => relay.statistics.msgNtfExpired

describe("messages and notifications", () => {
  test("relay.message_ttl", async () => {
    await using pair = await RelayPair.start({ "relay.message_ttl": "1.5h" })
    const { clock, usual, changed } = pair
    const [there, here] = await pair.each(withMessage)
    clock.setNow(clock.now() + 2 * HOUR)
    await clock.advanceAsync(2 * HOUR * SPREAD)
    await until(() => expired(changed) === 1)
    expect([await there.size(), await here.size()]).toEqual([1, 0])
    clock.setNow(clock.now() + 21 * DAY)
    await clock.advanceAsync(2 * HOUR * SPREAD)
    await until(() => expired(usual) === 1)
    expect(await there.size()).toBe(0)
  })

  test("relay.message_check_interval", async () => {
    await using pair = await RelayPair.start(
      { "relay.message_check_interval": "0.5s" },
      { "relay.message_ttl": "1h", "relay.expire_on_send": false },
    )
    const { clock, usual, changed } = pair
    const [there, here] = await pair.each(withMessage)
    clock.setNow(clock.now() + 2 * HOUR)
    await clock.advanceAsync(0.5 * SECOND * SPREAD)
    await until(() => expired(changed) === 1)
    expect([await there.size(), await here.size()]).toEqual([1, 0])
    await clock.advanceAsync(2 * HOUR * SPREAD)
    await until(() => expired(usual) === 1)
    expect(await there.size()).toBe(0)
  })

  test("relay.expire_on_send", async () => {
    await using pair = await RelayPair.start({ "relay.expire_on_send": false })
    const [there, here] = await pair.each(withMessage)
    pair.clock.setNow(pair.clock.now() + 22 * DAY)
    expect([await there.send(), await here.send()]).toEqual([OK, OK])
    expect([await there.size(), await here.size()]).toEqual([1, 2])
  })

  test.each([
    [true, 0],
    [false, 1],
  ])("relay.expire_on_start %s", async (expireOnStart, left) => {
    const clock = new ManualClock(Date.now())
    await using relay = await TestRelay.start({ clock, settings: { ...DEFAULTS, "relay.message_ttl": "1h" } })
    const client = await relay.connect()
    const queue = await createQueue(client, { subscription: "create-only" })
    expect(await sendTo(client, queue, "hello")).toEqual(OK)
    await relay.stop()
    clock.setNow(clock.now() + 2 * HOUR)
    await relay.start({ "relay.expire_on_start": expireOnStart })
    const again = await relay.connect()
    if (left === 0) expect(await sub(again, queue)).toEqual(sok(again))
    else expect((await subWithMessage(again, queue)).first.text).toBe("hello")
  })

  test("relay.notification_ttl", async () => {
    await using pair = await RelayPair.start({ "relay.notification_ttl": "1.5h" })
    const { clock, usual, changed } = pair
    await pair.each(withNotification)
    clock.setNow(clock.now() + 2 * HOUR)
    await clock.advanceAsync(HOUR * SPREAD)
    await until(() => expiredNotifications(changed) === 1)
    expect(expiredNotifications(usual)).toBe(0)
    clock.setNow(clock.now() + DAY)
    await clock.advanceAsync(HOUR * SPREAD)
    await until(() => expiredNotifications(usual) === 1)
  })

  test("relay.notification_check_interval", async () => {
    await using pair = await RelayPair.start(
      { "relay.notification_check_interval": "0.5s" },
      { "relay.notification_ttl": "1s" },
    )
    const { clock, usual, changed } = pair
    await pair.each(withNotification)
    clock.setNow(clock.now() + 5 * SECOND)
    await clock.advanceAsync(0.5 * SECOND * SPREAD)
    await until(() => expiredNotifications(changed) === 1)
    expect(expiredNotifications(usual)).toBe(0)
    await clock.advanceAsync(HOUR * SPREAD)
    await until(() => expiredNotifications(usual) === 1)
  })

  test("relay.end_interval", async () => {
    await using pair = await RelayPair.start({ "relay.end_interval": "0.5s" })
    const [there, here] = await pair.each(async (first, relay) => {
      const queue = await createQueue(first)
      const second = await relay.connect()
      expect(await sub(second, queue)).toEqual(sok(second))
      return { first, ended: () => expectEvent(first, queue.ids.recipientId, { tag: "END" }) }
    })
    pair.clock.advance(499)
    await here.first.quiet()
    pair.clock.advance(1)
    await here.ended()
    pair.clock.advance(14_499)
    await there.first.quiet()
    pair.clock.advance(1)
    await there.ended()
  })

  test("relay.notification_interval", async () => {
    await using pair = await RelayPair.start({ "relay.notification_interval": "0.2s" })
    const [there, here] = await pair.each(async (client) => {
      const queue = await createQueue(client, { subscription: "create-only" })
      await addNotifier(client, queue)
      expect(await nsub(client, queue)).toEqual(sok(client))
      expect(await sendTo(client, queue, "hello", true)).toEqual(OK)
      return { client, notified: async () => expect((await client.event()).message.tag).toBe("NMSG") }
    })
    pair.clock.advance(199)
    await here.client.quiet()
    pair.clock.advance(1)
    await here.notified()
    pair.clock.advance(49)
    await there.client.quiet()
    pair.clock.advance(1)
    await there.notified()
  })

  test("relay.notification_interval: what was gathered fills blocks", async () => {
    await using pair = await RelayPair.start({ "relay.notification_interval": "1.5s" })
    await pair.each(async (client) => {
      const queue = await createQueue(client, { subscription: "create-only" })
      await addNotifier(client, queue)
      expect(await nsub(client, queue)).toEqual(sok(client))
      for (let i = 0; i < 75; i++) expect(await sendTo(client, queue, "hello", true)).toEqual(OK)
      pair.clock.advance(1500)
      const block = await client.block()
      expect(block.map(({ message }) => message.tag)).toEqual(Array.from({ length: 75 }, () => "NMSG"))
    })
  })
})

describe("idle clients", () => {
  const closes = async (client: RawClient): Promise<unknown> => expect(await client.closed()).toContain("closed")

  test("limits.idle_timeout", async () => {
    await using pair = await RelayPair.start({ "limits.idle_timeout": "10m" })
    const [there, here] = await pair.each(async (client) => client)
    const [, subscribed] = await pair.each(async (client) => {
      await createQueue(client)
      return client
    })
    await pair.clock.advanceAsync(HOUR)
    await closes(here)
    await there.quiet()
    await subscribed.quiet()
    await pair.clock.advanceAsync(7 * HOUR)
    await closes(there)
    await subscribed.quiet()
  })

  test("limits.idle_check_interval", async () => {
    await using pair = await RelayPair.start({ "limits.idle_check_interval": "0.5s" }, { "limits.idle_timeout": "10s" })
    const [there, here] = await pair.each(async (client) => client)
    await pair.clock.advanceAsync(11 * SECOND)
    await closes(here)
    expect(pair.usual.relay.figures().connections).toBe(1)
    await pair.clock.advanceAsync(HOUR)
    await closes(there)
  })
})

describe("handshakes", () => {
  test("limits.tls_timeout", async () => {
    await using pair = await RelayPair.start({ "limits.tls_timeout": "0.5s" })
    const { clock, usual, changed } = pair
    const silent = async ({ port }: TestRelay): Promise<{ closed: () => boolean }> => {
      const timers = clock.pending
      const socket = connect(port, "127.0.0.1")
      socket.resume()
      await once(socket, "connect")
      // The time limit of a connection is set as soon as it is accepted.
      await until(() => clock.pending > timers)
      return { closed: () => socket.closed }
    }
    const [there, here] = [await silent(usual), await silent(changed)]
    clock.advance(500)
    await until(here.closed)
    expect(there.closed()).toBe(false)
    clock.advance(59_500)
    await until(there.closed)
  })

  test("limits.handshake_timeout", async () => {
    // This limit is the transport's and runs on the machine's clock.
    await using pair = await RelayPair.start({ "limits.handshake_timeout": "0.2s" })
    const { clock, usual, changed } = pair
    const silent = async ({ relay, port }: TestRelay): Promise<{ socket: TLSSocket; closed: Promise<unknown> }> => {
      const now = Math.floor(clock.now() / SECOND)
      const { socket } = await connectTls({
        ...{ crypto: nativeCrypto, keyHash: relay.fingerprint, host: "127.0.0.1", port, now, keepAlive: false },
      })
      socket.on("error", () => socket.destroy())
      const hello = once(socket, "data")
      socket.resume()
      // The server's hello, which is not answered.
      await hello
      return { socket, closed: once(socket, "close") }
    }
    const [there, here] = [await silent(usual), await silent(changed)]
    await here.closed
    expect(there.socket.closed).toBe(false)
  })
})
