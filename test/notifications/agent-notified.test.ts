import { utf8 } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { eventually } from "../support/notifications.ts"
import { type NotifiedAgentOptions, NotifiedAgents, type NotifiedAgentsOptions } from "../support/notified-agents.ts"
import type { PushServiceName } from "../support/push-service.ts"

/* notifications-client.md §7, N15 and N16, with all versions that these cases name. */

const PROHIBITED = { problem: { code: "CMD", reason: "PROHIBITED" } }

type Servers = Pick<NotifiedAgentsOptions, "relaySettings" | "ntfSettings">

const OLD_CLIENT: NotifiedAgentOptions = { client: { range: { min: 6, max: 19 } }, ntfRange: { min: 1, max: 2 } }
const NEW_CLIENT: NotifiedAgentOptions = {}
const OLD_RELAY: Servers = { relaySettings: { "relay.max_version": 19 } }
const OLD_NTF: Servers = { ntfSettings: { "notifications.max_version": 2 } }
const NEW_SERVERS: Servers = {}

/** Alice's versions, Bob's, those of their servers, and who pushes. */
const COMBINATIONS: readonly (readonly [
  string,
  NotifiedAgentOptions,
  NotifiedAgentOptions,
  Servers,
  PushServiceName,
])[] = [
  ["current servers, current clients", NEW_CLIENT, NEW_CLIENT, NEW_SERVERS, "APNs"],
  ["current servers, current clients, FCM", NEW_CLIENT, NEW_CLIENT, NEW_SERVERS, "FCM"],
  ["current servers, current clients, Web Push", NEW_CLIENT, NEW_CLIENT, NEW_SERVERS, "Web Push"],
  ["current servers, previous clients", OLD_CLIENT, OLD_CLIENT, NEW_SERVERS, "APNs"],
  ["previous servers, current clients", NEW_CLIENT, NEW_CLIENT, { ...OLD_RELAY, ...OLD_NTF }, "APNs"],
  ["previous servers, previous clients", OLD_CLIENT, OLD_CLIENT, { ...OLD_RELAY, ...OLD_NTF }, "APNs"],
  ["current relay, previous notification server, previous clients", OLD_CLIENT, OLD_CLIENT, OLD_NTF, "APNs"],
  ["previous relay, current notification server, previous clients", OLD_CLIENT, OLD_CLIENT, OLD_RELAY, "APNs"],
  ["current servers, current client to previous", NEW_CLIENT, OLD_CLIENT, NEW_SERVERS, "APNs"],
  ["current servers, previous client to current", OLD_CLIENT, NEW_CLIENT, NEW_SERVERS, "APNs"],
  [
    "a relay that makes notifiers only afterwards",
    NEW_CLIENT,
    NEW_CLIENT,
    { relaySettings: { "relay.max_version": 16 } },
    "APNs",
  ],
]

describe.each(COMBINATIONS)("with %s", (_, forAlice, forBob, servers, push) => {
  const options: NotifiedAgentsOptions = { alice: forAlice, bob: forBob, push, ...servers }

  it("N15: an existing connection is notified, on the device that has it", { timeout: 30_000 }, async () => {
    await using all = await NotifiedAgents.start(options)
    const { alice, bob, device } = all
    const { a, b } = await all.notified()

    await bob.say(b, "hello")
    const told = await device.notified(a)
    const { meta } = await alice.next("message", a)
    expect(told.meta?.timestamp).toBe(meta.serverTime)
    await expect(alice.agent.notifications.fetch(told)).rejects.toMatchObject(PROHIBITED)
    await alice.agent.acknowledge(a, meta.messageId)

    // What an extension of the app does while the app itself is suspended: it has the same data.
    await alice.agent.suspend()
    const extension = await all.agent("extension", forAlice)
    await extension.cloneFrom(alice)
    await bob.say(b, "are you there?")
    const { push } = await device.message()
    const messages = await extension.agent.notifications.read(push)
    const [news] = messages
    if (news === undefined) throw new Error("the push told of nothing")
    expect(await extension.agent.notifications.fetch(news)).toBe(1)
    expect(await extension.next("message", a)).toMatchObject({ notify: true, body: utf8("are you there?") })
    await alice.agent.resume()
    expect(await alice.text(a)).toBe("are you there?")

    await alice.agent.notifications.setConnection(a, false)
    await eventually(() => alice.agent.notifications.subscription(a) === undefined)
    await all.said({ a, b }, "never mind")
    expect(device.waiting()).toEqual([])
  })

  it("N16: two devices that connect are notified of every message", { timeout: 30_000 }, async () => {
    await using all = await NotifiedAgents.start(options)
    const { alice, bob, ntf, device: first } = all
    const second = all.deviceOf(bob, "bbbb")
    await first.activate("instant")
    await second.activate("instant")

    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
    await first.listening(ntf, [a])
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("bob") })
    await first.notified(a)
    const { confirmationId } = await alice.next("confirmation", a)
    await second.listening(ntf, [b])
    await alice.agent.allowConnection(a, confirmationId, utf8("alice"))
    await second.notified(b)
    await bob.next("info", b)
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
    for (const text of ["hello", "how are you?"]) {
      await bob.say(b, text)
      const { meta } = await alice.next("message", a)
      expect((await first.notified(a)).meta?.timestamp).toBe(meta.serverTime)
      await alice.agent.acknowledge(a, meta.messageId)
      await alice.say(a, text)
      const answer = await bob.next("message", b)
      expect((await second.notified(b)).meta?.timestamp).toBe(answer.meta.serverTime)
      await bob.agent.acknowledge(b, answer.meta.messageId)
    }
    // One for each message: neither more, nor one for the other device.
    expect([...first.waiting(), ...second.waiting()]).toEqual([])
    all.expectNoErrors()
  })
})
