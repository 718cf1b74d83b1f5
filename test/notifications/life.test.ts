import { nativeCrypto } from "@sluice/crypto/native"
import { equalBytes, utf8 } from "@sluice/encoding/bytes"
import type { MessageEntry } from "@sluice/ntf-protocol/message-list"
import { SmpClient } from "@sluice/smp-client/client"
import type { CreatedNotifier, CreatedQueue } from "@sluice/smp-client/queue-types"
import { decryptNotificationMeta } from "@sluice/smp-protocol/notification-meta"
import { describe, expect, it } from "vitest"
import { eventually, TestDevice, TestNotifications } from "../support/notifications.ts"
import { TestRelay } from "../support/relay.ts"

interface NotifiedQueue {
  readonly queue: CreatedQueue
  readonly notifier: CreatedNotifier
}

async function notifiedQueue(client: SmpClient, how: "NKEY" | "NEW"): Promise<NotifiedQueue> {
  if (how === "NEW") {
    const queue = await client.createQueue({ notifier: true })
    if (queue.notifier === undefined) throw new Error("the relay made no notifier")
    return { queue, notifier: queue.notifier }
  }
  const queue = await client.createQueue()
  return { queue, notifier: await client.enableNotifications(queue) }
}

/** Sends a message and gives the id and time of what its recipient gets. */
async function message(client: SmpClient, { queue }: NotifiedQueue): Promise<{ msgId: Uint8Array; time: number }> {
  const arrival = client.events.once("message")
  await client.sendMessage(queue, utf8("hello"), { notify: true })
  const received = await arrival
  const opened = client.decryptDelivered(queue, received)
  await client.acknowledge(queue, received.msgId)
  if (opened?.kind !== "message") throw new Error("a message that does not open")
  return { msgId: received.msgId, time: opened.timestamp }
}

function metaOf(entry: MessageEntry | undefined, { notifier }: NotifiedQueue): { msgId: Uint8Array; time: number } {
  const meta =
    entry && decryptNotificationMeta(nativeCrypto, nativeCrypto.boxKey(notifier.dhSecret), entry.nonce, entry.meta)
  if (meta === undefined) throw new Error("metadata that does not open")
  return { msgId: meta.msgId, time: meta.timestamp }
}

describe.each([
  ["NKEY", 3, true, "APNs"],
  ["NEW", 3, true, "APNs"],
  ["NKEY", 2, false, "APNs"],
  // S12: without ALPN, so that the server offers version 1 alone
  ["NEW", 1, true, "APNs"],
  ["NKEY", 3, true, "FCM"],
  ["NEW", 3, true, "FCM"],
  ["NKEY", 3, true, "Web Push"],
  ["NEW", 3, true, "Web Push"],
] as const)(
  "S7, S8, S9: a registration's whole life, notifier by %s, NTF version %i, as a service: %s, by %s",
  (how, version, service, push) => {
    it("goes as the protocol says", { timeout: 60_000 }, async () => {
      await using relay = await TestRelay.start()
      await using ntf = await TestNotifications.start({ push, settings: { "notifications.service": service } })
      const address = relay.address
      await using client = new SmpClient(address)
      const connection = await ntf.connect(version === 1 ? { protocols: [] } : { range: { min: 1, max: version } })
      expect(connection.session.version).toBe(version)

      // Registered twice, verified with the code of the second push.
      const device = await TestDevice.register(connection, ntf.push.token("abcd"))
      const first = await ntf.push.next()
      expect(first.device).toBe("abcd")
      const repeated = await connection.registerToken(ntf.push.token("abcd"), device.keys)
      expect(repeated).toEqual(device.registered)
      const second = await ntf.push.next()
      expect(device.code(second)).toEqual(device.code(first))
      expect(equalBytes(first.content?.nonce ?? utf8(""), second.content?.nonce ?? utf8(""))).toBe(false)
      await connection.verifyToken(device.access, device.code(second))
      await connection.verifyToken(device.access, device.code(first))
      expect(await connection.checkToken(device.access)).toEqual({ type: "ACTIVE" })

      const one = await notifiedQueue(client, how)
      const request = {
        queue: { server: address, notifierId: one.notifier.notifierId },
        notifierKey: one.notifier.notifierKey,
      }
      const subscriptionId = await connection.subscribe(device.access, request)
      const active = async () =>
        (await connection.checkSubscription(subscriptionId, device.access.key)).type === "ACTIVE"
      await eventually(active)
      const sent = await message(client, one)
      const pushed = await ntf.push.next()
      const last = device.list(pushed).at(-1)
      expect(last?.queue).toEqual({ server: address, notifierId: one.notifier.notifierId })
      expect(metaOf(last, one)).toEqual(sent)

      // The device gets another token; what comes before it is verified is not pushed.
      await connection.replaceToken(device.access, ntf.push.token("efgh"))
      const third = await ntf.push.next()
      expect(third.device).toBe("efgh")
      await message(client, one)
      await eventually(() => ntf.server.statistics.receivedAuth === 1)
      await connection.verifyToken(device.access, device.code(third))
      expect(await connection.checkToken(device.access)).toEqual({ type: "ACTIVE" })
      const again = await message(client, one)
      const moved = await ntf.push.next()
      expect(moved.device).toBe("efgh")
      expect(metaOf(device.list(moved).at(-1), one)).toEqual(again)

      // S8: a subscription that is made while the relay is away.
      const two = await notifiedQueue(client, how)
      const { port } = relay
      await relay.stop()
      await eventually(async () => !(await active()) || service)
      const secondId = await connection.subscribe(device.access, {
        ...{ queue: { server: address, notifierId: two.notifier.notifierId }, notifierKey: two.notifier.notifierKey },
      })
      await relay.start({ "relay.port": port })
      await eventually(async () => (await connection.checkSubscription(secondId, device.access.key)).type === "ACTIVE")
      await eventually(() => client.up)
      for (const queue of [one, two]) {
        const now = await message(client, queue)
        expect(metaOf(device.list(await ntf.push.next()).at(-1), queue)).toEqual(now)
      }
      expect(ntf.push.pending).toBe(0)
      expect(ntf.log.entries.filter(({ level }) => level === "error")).toEqual([])
    })
  },
)
