import { expect, it } from "vitest"
import { connect, TestAgent } from "../agent/test-agent.ts"
import { Device } from "../support/device.ts"
import { eventually, TestNotifications } from "../support/notifications.ts"
import { TestRelay } from "../support/relay.ts"

/* Rules of notifications-client.md that no numbered case is about. */

const AUTH = { problem: { code: "NTF", error: { type: "AUTH" } } }

function open(name: string, relay: TestRelay, ntf?: TestNotifications): Promise<TestAgent> {
  const servers = ntf === undefined ? [] : [ntf.address]
  return TestAgent.open(name, { servers: [relay], store: "lmdb", notifications: { servers } })
}

it("§3.2: a verification of a registration that is gone makes another one", async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await open("alice", relay, ntf)
  await using bob = await open("bob", relay, ntf)
  const [first, second] = [new Device(alice, "abcd"), new Device(bob, "abcd")]
  await first.register("periodic")
  const push = await first.verification(ntf)
  await second.register("periodic")
  await second.verification(ntf)
  await second.verify(await second.verification(ntf))
  await first.verification(ntf)
  await expect(first.verify(push)).rejects.toMatchObject(AUTH)
  expect(alice.agent.notifications.state?.status).toEqual({ type: "REGISTERED" })
  expect(await first.verify(await first.verification(ntf))).toEqual({ type: "ACTIVE" })
})

it("§3.1: another device token for a registration that is gone makes another one", async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await open("alice", relay, ntf)
  await using bob = await open("bob", relay, ntf)
  const [first, second] = [new Device(alice, "abcd"), new Device(bob, "abcd")]
  await first.activate(ntf, "periodic")
  await second.register("periodic")
  await second.verification(ntf)
  await second.verify(await second.verification(ntf))
  first.renew("efab")
  expect(await first.register("periodic")).toEqual({ type: "REGISTERED" })
  expect(await first.verify(await first.verification(ntf))).toEqual({ type: "ACTIVE" })
})

it("§4.5: a refusal is told, and the next wish starts again", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await open("alice", relay, ntf)
  await using bob = await open("bob", relay)
  const { a, b } = await connect(alice, bob)
  const device = new Device(alice, "abcd")
  const { store } = ntf
  const create = store.createSubscription.bind(store)
  store.createSubscription = () => Promise.resolve({ result: "refused" })
  await device.activate(ntf, "instant")
  expect((await alice.next("error", a)).error).toMatchObject(AUTH)
  expect(alice.agent.notifications.subscription(a)?.action).toBeUndefined()
  store.createSubscription = create
  await alice.agent.notifications.setConnection(a, true)
  await device.listening(ntf, [a])
  await bob.say(b, "hello")
  expect(await alice.text(a)).toBe("hello")
  await device.notified(ntf, a)
})

it("§2, §4.2: what is begun goes on after a restart, and ends with its connection", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await open("alice", relay, ntf)
  await using bob = await open("bob", relay)
  const device = new Device(alice, "abcd")
  await device.activate(ntf, "instant")
  const port = Number(ntf.address.port)
  await ntf.stop()
  const { a, b } = await connect(alice, bob)
  const { notifications } = alice.agent
  await eventually(() => notifications.subscription(a)?.state.type === "KEY")
  await alice.restart()
  expect(alice.agent.notifications.subscription(a)).toMatchObject({
    state: { type: "KEY" },
    action: { type: "create" },
  })
  await ntf.start({ "notifications.port": port })
  alice.agent.retryNow()
  await device.listening(ntf, [a])
  // What came before somebody listened was kept by the relay.
  await device.notified(ntf, a)
  await bob.say(b, "hello")
  expect(await alice.text(a)).toBe("hello")
  await device.notified(ntf, a)

  await alice.agent.deleteConnection(a)
  await alice.next("connections-deleted")
  await eventually(() => alice.agent.notifications.subscription(a) === undefined)
  await alice.restart()
  expect(alice.agent.notifications.subscription(a)).toBeUndefined()
})

it("§3.4: a registration is deleted at its server as soon as that is there", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await open("alice", relay, ntf)
  const device = new Device(alice, "abcd")
  await device.activate(ntf, "periodic")
  const port = Number(ntf.address.port)
  await ntf.stop()
  await alice.agent.notifications.delete()
  expect(alice.agent.notifications.state).toBeUndefined()
  await alice.restart()
  await ntf.start({ "notifications.port": port })
  alice.agent.retryNow()
  await eventually(async () => (await ntf.store.counts()).tokens === 0)
})
