import { expect, it } from "vitest"
import { eventually } from "../support/notifications.ts"
import { NotifiedAgents } from "../support/notified-agents.ts"

/* Rules of notifications-client.md that no numbered case is about. */

const AUTH = { problem: { code: "NTF", error: { type: "AUTH" } } }

/** Bob registers the token of Alice's device, whose registration is gone thereby. */
async function takeOver(all: NotifiedAgents): Promise<void> {
  const second = all.deviceOf(all.bob, "abcd")
  await second.register("periodic")
  // The first push that came to this token is not for him.
  await second.verification()
  await second.verify(await second.verification())
}

it("§3.2: a verification of a registration that is gone makes another one", async () => {
  await using all = await NotifiedAgents.start()
  const { alice, device } = all
  await device.register("periodic")
  const push = await device.verification()
  await takeOver(all)
  // Bob's comes to the same token.
  await device.verification()
  await expect(device.verify(push)).rejects.toMatchObject(AUTH)
  expect(alice.agent.notifications.state?.status).toEqual({ type: "REGISTERED" })
  expect(await device.verify(await device.verification())).toEqual({ type: "ACTIVE" })
})

it("§3.1: another device token for a registration that is gone makes another one", async () => {
  await using all = await NotifiedAgents.start()
  const { device } = all
  await device.activate("periodic")
  await takeOver(all)
  device.renew("efab")
  expect(await device.register("periodic")).toEqual({ type: "REGISTERED" })
  expect(await device.verify(await device.verification())).toEqual({ type: "ACTIVE" })
})

it("§4.5: a refusal is told, and the next wish starts again", { timeout: 30_000 }, async () => {
  await using all = await NotifiedAgents.start()
  const { alice, device } = all
  const pair = await all.connect()
  const { store } = all.ntf
  const create = store.createSubscription.bind(store)
  store.createSubscription = () => Promise.resolve({ result: "refused" })
  await device.activate("instant")
  expect((await alice.next("error", pair.a)).error).toMatchObject(AUTH)
  expect(alice.agent.notifications.subscription(pair.a)?.action).toBeUndefined()
  store.createSubscription = create
  await alice.agent.notifications.setConnection(pair.a, true)
  await all.listening(pair)
  await all.pushed(pair, "hello")
})

it("§2, §4.2: what is begun goes on after a restart, and ends with its connection", { timeout: 30_000 }, async () => {
  await using all = await NotifiedAgents.start()
  const { alice, device, ntf } = all
  await device.activate("instant")
  const port = Number(ntf.address.port)
  await ntf.stop()
  const pair = await all.connect()
  const { notifications } = alice.agent
  await eventually(() => notifications.subscription(pair.a)?.state.type === "KEY")
  await alice.restart()
  expect(alice.agent.notifications.subscription(pair.a)).toMatchObject({
    state: { type: "KEY" },
    action: { type: "create" },
  })
  await ntf.start({ "notifications.port": port })
  alice.agent.retryNow()
  await all.listening(pair)
  // What came before somebody listened was kept by the relay.
  await device.notified(pair.a)
  await all.pushed(pair, "hello")

  await alice.agent.deleteConnection(pair.a)
  await alice.next("connections-deleted")
  await eventually(() => alice.agent.notifications.subscription(pair.a) === undefined)
  await alice.restart()
  expect(alice.agent.notifications.subscription(pair.a)).toBeUndefined()
})

it("§3.4: a registration is deleted at its server as soon as that is there", { timeout: 30_000 }, async () => {
  await using all = await NotifiedAgents.start()
  const { alice, device, ntf } = all
  await device.activate("periodic")
  const port = Number(ntf.address.port)
  await ntf.stop()
  await alice.agent.notifications.delete()
  expect(alice.agent.notifications.state).toBeUndefined()
  await alice.restart()
  await ntf.start({ "notifications.port": port })
  alice.agent.retryNow()
  await eventually(async () => (await ntf.store.counts()).tokens === 0)
})
