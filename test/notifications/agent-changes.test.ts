import { expect, it } from "vitest"
import { connect, type Pair, TestAgent, type TestAgentOptions } from "../agent/test-agent.ts"
import { Device, restart } from "../support/device.ts"
import { eventually, TestNotifications } from "../support/notifications.ts"
import { TestRelay } from "../support/relay.ts"

/* notifications-client.md §7, N17 to N24: what changes under a subscription. */

/** Comes back to a relay that was away sooner than a device would. */
const QUICK: TestAgentOptions["client"] = { backoff: { initialMs: 50, maxMs: 200 } }

function open(name: string, relays: readonly TestRelay[], ntf: readonly TestNotifications[] = []): Promise<TestAgent> {
  const servers = ntf.map(({ address }) => address)
  return TestAgent.open(name, { servers: relays, store: "lmdb", client: QUICK, notifications: { servers } })
}

/** Bob says something, which Alice gets and her device is told of. */
async function pushed(
  ntf: TestNotifications,
  device: Device,
  bob: TestAgent,
  { a, b }: Pair,
  text: string,
): Promise<void> {
  await said(device.owner, bob, { a, b }, text)
  await device.notified(ntf, a)
}

async function said(alice: TestAgent, bob: TestAgent, { a, b }: Pair, text: string): Promise<void> {
  await bob.say(b, text)
  expect(await alice.text(a)).toBe(text)
}

async function restartRelay(relay: TestRelay): Promise<void> {
  const { port } = relay
  await relay.stop()
  await relay.start({ "relay.port": port })
}

it("N17: modes change, and the registration goes and comes back", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await open("alice", [relay], [ntf])
  await using bob = await open("bob", [relay])
  const pair = await connect(alice, bob)
  const device = new Device(alice, "abcd")
  const { notifications } = alice.agent
  await device.activate(ntf, "instant")
  await device.listening(ntf, [pair.a])
  await pushed(ntf, device, bob, pair, "instant")

  expect(await device.register("periodic")).toEqual({ type: "ACTIVE" })
  await eventually(() => notifications.subscription(pair.a) === undefined)
  await said(alice, bob, pair, "periodic")

  expect(await device.register("instant")).toEqual({ type: "ACTIVE" })
  await device.listening(ntf, [pair.a])
  expect(device.waiting(ntf)).toEqual([])
  await pushed(ntf, device, bob, pair, "instant again")

  await notifications.delete()
  await eventually(() => notifications.subscription(pair.a) === undefined)
  await eventually(async () => (await ntf.store.counts()).tokens === 0)
  await said(alice, bob, pair, "off")
  expect(device.waiting(ntf)).toEqual([])

  await device.activate(ntf, "instant")
  await device.listening(ntf, [pair.a])
  await pushed(ntf, device, bob, pair, "on")
})

it("N18: the system gives the device another token", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await open("alice", [relay], [ntf])
  await using bob = await open("bob", [relay])
  const pair = await connect(alice, bob)
  const old = new Device(alice, "abcd")
  await old.activate(ntf, "instant")
  await old.listening(ntf, [pair.a])
  await alice.restart()
  const device = new Device(alice, "efab")
  await device.activate(ntf, "instant")
  await device.listening(ntf, [pair.a])
  await pushed(ntf, device, bob, pair, "hello")
  expect(old.waiting(ntf)).toEqual([])
})

it("N19: the notification server restarts, then both servers", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await open("alice", [relay], [ntf])
  await using bob = await open("bob", [relay])
  const pair = await connect(alice, bob)
  const device = new Device(alice, "abcd")
  await device.activate(ntf, "instant")
  await device.listening(ntf, [pair.a])
  await pushed(ntf, device, bob, pair, "before")
  await restart(ntf)
  await pushed(ntf, device, bob, pair, "after")
  const port = Number(ntf.address.port)
  await ntf.stop()
  await said(alice, bob, pair, "while it is down")
  await restartRelay(relay)
  await ntf.start({ "notifications.port": port })
  await device.notified(ntf, pair.a)
})

it("N20: the relay restarts", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await open("alice", [relay], [ntf])
  await using bob = await open("bob", [relay])
  const pair = await connect(alice, bob)
  const device = new Device(alice, "abcd")
  await device.activate(ntf, "instant")
  await device.listening(ntf, [pair.a])
  await restartRelay(relay)
  await pushed(ntf, device, bob, pair, "hello")
})

it("N21: 50 connections on two relays, which both restart", { timeout: 60_000 }, async () => {
  await using one = await TestRelay.start()
  await using two = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await TestAgent.open("alice", {
    ...{ servers: [one, two], client: QUICK, notifications: { servers: [ntf.address] } },
  })
  await using bob = await TestAgent.open("bob", { servers: [one, two], client: QUICK })
  const pairs = await Promise.all(Array.from({ length: 50 }, () => connect(alice, bob)))
  const device = new Device(alice, "abcd")
  await device.activate(ntf, "instant")
  await device.listening(
    ntf,
    pairs.map(({ a }) => a),
  )
  await Promise.all([restartRelay(one), restartRelay(two)])
  for (const [n, pair] of pairs.entries()) await pushed(ntf, device, bob, pair, `message ${n}`)
})

it.each([1, 2])("N22: a queue moves, %i relay(s)", { timeout: 30_000 }, async (count) => {
  await using one = await TestRelay.start()
  await using two = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await open("alice", [one, two].slice(0, count), [ntf])
  await using bob = await open("bob", [one])
  const pair = await connect(alice, bob)
  const device = new Device(alice, "abcd")
  await device.activate(ntf, "instant")
  await device.listening(ntf, [pair.a])
  await pushed(ntf, device, bob, pair, "old queue")
  await alice.agent.switchQueue(pair.a)
  for (const phase of ["started", "confirmed", "secured", "completed"] as const) {
    await alice.next("switch", pair.a, (event) => event.phase === phase)
  }
  // The subscription of the old queue, and that of the new one.
  await eventually(async () => (await ntf.store.counts()).subscriptions === 2)
  await device.listening(ntf, [pair.a])
  // What the rotation itself has said is told of, too, but of a queue that is gone.
  while (device.waiting(ntf, "message").length > 0) await device.message(ntf).catch(() => undefined)
  await pushed(ntf, device, bob, pair, "new queue")
})

it("N23: the registration stays when the settings name another server", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using other = await TestNotifications.start()
  await using alice = await open("alice", [relay], [ntf])
  await using bob = await open("bob", [relay])
  const before = await connect(alice, bob)
  const device = new Device(alice, "abcd")
  await device.activate(ntf, "instant")
  await device.listening(ntf, [before.a])
  alice.agent.notifications.setServers([other.address])
  await other.stop()
  device.renew("efab")
  await device.activate(ntf, "instant")
  const after = await connect(alice, bob)
  await device.listening(ntf, [before.a, after.a])
  await eventually(() => device.waiting(ntf, "message").length > 0)
  while (device.waiting(ntf, "message").length > 0) await device.message(ntf)
  await pushed(ntf, device, bob, before, "old")
  await pushed(ntf, device, bob, after, "new")
})

it("N24: another server after the registration was deleted", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using other = await TestNotifications.start()
  await using alice = await open("alice", [relay], [ntf])
  await using bob = await open("bob", [relay])
  const before = await connect(alice, bob)
  const device = new Device(alice, "abcd")
  await device.activate(ntf, "instant")
  await device.listening(ntf, [before.a])
  alice.agent.notifications.setServers([other.address])
  await alice.agent.notifications.delete()
  await device.activate(other, "instant")
  await device.listening(other, [before.a])
  await ntf.stop()
  const after = await connect(alice, bob)
  await device.listening(other, [after.a])
  await eventually(() => device.waiting(other, "message").length > 0)
  while (device.waiting(other, "message").length > 0) await device.message(other)
  await pushed(other, device, bob, before, "old")
  await pushed(other, device, bob, after, "new")
})
