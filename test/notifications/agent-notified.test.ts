import { utf8 } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { connect, type Pair, TestAgent, type TestAgentOptions } from "../agent/test-agent.ts"
import { Device } from "../support/device.ts"
import { eventually, TestNotifications, type TestNotificationsOptions } from "../support/notifications.ts"
import { TestRelay } from "../support/relay.ts"

/* notifications-client.md §7, N15 and N16, with all versions that these cases name. */

const PROHIBITED = { problem: { code: "CMD", reason: "PROHIBITED" } }

interface Versions {
  readonly relay?: number
  readonly ntf?: number
  readonly client?: TestAgentOptions["client"]
  readonly ntfClient?: number
}

const OLD_CLIENT: Versions = { client: { range: { min: 6, max: 19 } }, ntfClient: 2 }
const NEW_CLIENT: Versions = {}
const OLD_SERVERS: Versions = { relay: 19, ntf: 2 }
const NEW_SERVERS: Versions = {}

/** Alice's versions, Bob's, and those of their servers. */
const COMBINATIONS: readonly (readonly [string, Versions, Versions, Versions])[] = [
  ["current servers, current clients", NEW_CLIENT, NEW_CLIENT, NEW_SERVERS],
  ["current servers, previous clients", OLD_CLIENT, OLD_CLIENT, NEW_SERVERS],
  ["previous servers, current clients", NEW_CLIENT, NEW_CLIENT, OLD_SERVERS],
  ["previous servers, previous clients", OLD_CLIENT, OLD_CLIENT, OLD_SERVERS],
  ["current relay, previous notification server, previous clients", OLD_CLIENT, OLD_CLIENT, { ntf: 2 }],
  ["previous relay, current notification server, previous clients", OLD_CLIENT, OLD_CLIENT, { relay: 19 }],
  ["current servers, current client to previous", NEW_CLIENT, OLD_CLIENT, NEW_SERVERS],
  ["current servers, previous client to current", OLD_CLIENT, NEW_CLIENT, NEW_SERVERS],
  ["a relay that makes notifiers only afterwards", NEW_CLIENT, NEW_CLIENT, { relay: 16 }],
]

function relayOf({ relay }: Versions): Promise<TestRelay> {
  return TestRelay.start(relay === undefined ? {} : { settings: { "relay.max_version": relay } })
}

function ntfOf({ ntf }: Versions): Promise<TestNotifications> {
  const options: TestNotificationsOptions = ntf === undefined ? {} : { settings: { "notifications.max_version": ntf } }
  return TestNotifications.start(options)
}

function agentOf(
  name: string,
  relay: TestRelay,
  ntf: TestNotifications,
  { client, ntfClient }: Versions,
): Promise<TestAgent> {
  const range = ntfClient === undefined ? undefined : { min: 1, max: ntfClient }
  return TestAgent.open(name, {
    ...{ servers: [relay], store: "lmdb", client, notifications: { servers: [ntf.address], range } },
  })
}

describe.each(COMBINATIONS)("with %s", (_, forAlice, forBob, forServers) => {
  it("N15: an existing connection is notified, on the device that has it", { timeout: 30_000 }, async () => {
    await using relay = await relayOf(forServers)
    await using ntf = await ntfOf(forServers)
    await using alice = await agentOf("alice", relay, ntf, forAlice)
    await using bob = await agentOf("bob", relay, ntf, forBob)
    const { a, b }: Pair = await connect(alice, bob)
    const device = new Device(alice, "abcd")
    await device.activate(ntf, "instant")
    await device.listening(ntf, [a])

    await bob.say(b, "hello")
    const told = await device.notified(ntf, a)
    const { meta } = await alice.next("message", a)
    expect(told.meta?.timestamp).toBe(meta.serverTime)
    await expect(alice.agent.notifications.fetch(told)).rejects.toMatchObject(PROHIBITED)
    await alice.agent.acknowledge(a, meta.messageId)

    // What an extension of the app does while the app itself is suspended: it has the same data.
    await alice.agent.suspend()
    await using extension = await agentOf("extension", relay, ntf, forAlice)
    await extension.cloneFrom(alice)
    await bob.say(b, "are you there?")
    const { push } = await device.message(ntf)
    const messages = await extension.agent.notifications.read(push)
    const [news] = messages
    if (news === undefined) throw new Error("the push told of nothing")
    expect(await extension.agent.notifications.fetch(news)).toBe(1)
    expect(await extension.next("message", a)).toMatchObject({ notify: true, body: utf8("are you there?") })
    await alice.agent.resume()
    expect(await alice.text(a)).toBe("are you there?")

    await alice.agent.notifications.setConnection(a, false)
    await eventually(() => alice.agent.notifications.subscription(a) === undefined)
    await bob.say(b, "never mind")
    expect(await alice.text(a)).toBe("never mind")
    expect(device.waiting(ntf)).toEqual([])
  })

  it("N16: two devices that connect are notified of every message", { timeout: 30_000 }, async () => {
    await using relay = await relayOf(forServers)
    await using ntf = await ntfOf(forServers)
    await using alice = await agentOf("alice", relay, ntf, forAlice)
    await using bob = await agentOf("bob", relay, ntf, forBob)
    const [first, second] = [new Device(alice, "aaaa"), new Device(bob, "bbbb")]
    await first.activate(ntf, "instant")
    await second.activate(ntf, "instant")

    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
    await first.listening(ntf, [a])
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("bob") })
    await first.notified(ntf, a)
    const { confirmationId } = await alice.next("confirmation", a)
    await second.listening(ntf, [b])
    await alice.agent.allowConnection(a, confirmationId, utf8("alice"))
    await second.notified(ntf, b)
    await bob.next("info", b)
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
    for (const text of ["hello", "how are you?"]) {
      await bob.say(b, text)
      const { meta } = await alice.next("message", a)
      expect((await first.notified(ntf, a)).meta?.timestamp).toBe(meta.serverTime)
      await alice.agent.acknowledge(a, meta.messageId)
      await alice.say(a, text)
      const answer = await bob.next("message", b)
      expect((await second.notified(ntf, b)).meta?.timestamp).toBe(answer.meta.serverTime)
      await bob.agent.acknowledge(b, answer.meta.messageId)
    }
    // One for each message: neither more, nor one for the other device.
    expect([...first.waiting(ntf), ...second.waiting(ntf)]).toEqual([])
    expect(alice.events.filter(({ type }) => type === "error")).toEqual([])
    expect(bob.events.filter(({ type }) => type === "error")).toEqual([])
  })
})
