import type { TokenRecord } from "@sluice/agent/notifications/records"
import { lmdbStore } from "@sluice/agent/store/lmdb-store"
import { describe, expect, it } from "vitest"
import { TestAgent } from "../agent/test-agent.ts"
import { activeRegistration, Device, restart } from "../support/device.ts"
import { eventually, TestNotifications } from "../support/notifications.ts"
import { TestRelay } from "../support/relay.ts"

const PROHIBITED = { problem: { code: "CMD", reason: "PROHIBITED" } }
const AUTH = { problem: { code: "NTF", error: { type: "AUTH" } } }
const NETWORK = { problem: { code: "BROKER", error: { type: "NETWORK" } } }

const CHEAP = { memoryKiB: 64, passes: 1, lanes: 1 }

/** Changes what an agent that is stopped has stored of its registration. */
async function edit(agent: TestAgent, change: (token: TokenRecord) => TokenRecord): Promise<void> {
  await using store = await lmdbStore({ folder: agent.folder, passphrase: "test", cost: CHEAP })
  const token = await store.get("notificationTokens", [])
  if (token === undefined) throw new Error("no registration is stored")
  await store.commit([{ table: "notificationTokens", put: change(token) }])
}

function open(relay: TestRelay, ntf: readonly TestNotifications[], name = "alice"): Promise<TestAgent> {
  const servers = ntf.map(({ address }) => address)
  return TestAgent.open(name, { servers: [relay], store: "lmdb", notifications: { servers } })
}

describe("registrations of agents", () => {
  it("N1: register, verify, check, delete", async () => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    await using alice = await open(relay, [ntf])
    const device = new Device(alice, "abcd")
    expect(await device.register("periodic")).toEqual({ type: "REGISTERED" })
    expect(await device.verify(await device.verification(ntf))).toEqual({ type: "ACTIVE" })
    expect(await device.check()).toEqual({ type: "ACTIVE" })
    expect(alice.agent.notifications.state).toMatchObject({ status: { type: "ACTIVE" }, mode: "periodic" })
    await alice.agent.notifications.delete()
    await expect(device.check()).rejects.toMatchObject(PROHIBITED)
    await expect(alice.agent.notifications.delete()).rejects.toMatchObject(PROHIBITED)
    await eventually(async () => (await ntf.store.counts()).tokens === 0)
  })

  it("N2: registered twice, verified with the first push", async () => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    await using alice = await open(relay, [ntf])
    const device = new Device(alice, "abcd")
    await device.register("periodic")
    const first = await device.verification(ntf)
    expect(await device.register("periodic")).toEqual({ type: "REGISTERED" })
    await device.verification(ntf)
    expect(await device.verify(first)).toEqual({ type: "ACTIVE" })
    expect(await device.check()).toEqual({ type: "ACTIVE" })
  })

  it("N3: another agent takes the device token over", async () => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    await using alice = await open(relay, [ntf])
    await using bob = await open(relay, [ntf], "bob")
    const first = new Device(alice, "abcd")
    await first.activate(ntf, "periodic")
    const second = new Device(bob, "abcd")
    await second.register("periodic")
    const pushes = [await second.verification(ntf), await second.verification(ntf)]
    await eventually(async () => (await second.check()).type === "CONFIRMED")
    expect(await first.check()).toEqual({ type: "ACTIVE" })
    // Both devices see the pushes to this token: that of the first registration does not open here.
    await expect(second.verify(pushes[0] as never)).rejects.toMatchObject({ problem: { code: "AGENT" } })
    expect(await second.verify(pushes[1] as never)).toEqual({ type: "ACTIVE" })
    await expect(first.check()).rejects.toMatchObject(AUTH)
    expect(await second.check()).toEqual({ type: "ACTIVE" })
    // The first one finds out at its next start, and registers from zero.
    await expect(first.register("periodic")).rejects.toMatchObject(AUTH)
    expect(alice.agent.notifications.state?.status).toEqual({ type: "REGISTERED" })
  })

  it("N4: the server restarts before the verification", async () => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    await using alice = await open(relay, [ntf])
    const device = new Device(alice, "abcd")
    await device.register("periodic")
    const push = await device.verification(ntf)
    await restart(ntf)
    await alice.restart()
    expect(await device.verify(push)).toEqual({ type: "ACTIVE" })
    expect(await device.check()).toEqual({ type: "ACTIVE" })
  })

  it("N5: a verification that did not reach the server is finished without a push", async () => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    await using alice = await open(relay, [ntf])
    const device = new Device(alice, "abcd")
    await device.register("periodic")
    const push = await device.verification(ntf)
    const port = Number(ntf.address.port)
    await ntf.stop()
    await expect(device.verify(push)).rejects.toMatchObject(NETWORK)
    await ntf.start({ "notifications.port": port })
    await alice.restart()
    expect(await device.register("periodic")).toEqual({ type: "ACTIVE" })
    expect(await device.check()).toEqual({ type: "ACTIVE" })
    expect(device.waiting(ntf, "verification")).toEqual([])
  })

  it("N6: a verification whose answer was lost", async () => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    await using alice = await open(relay, [ntf])
    const device = new Device(alice, "abcd")
    await device.register("periodic")
    const push = await device.verification(ntf)
    let code: TokenRecord["action"]
    const port = Number(ntf.address.port)
    await ntf.stop()
    await expect(device.verify(push)).rejects.toMatchObject(NETWORK)
    await alice.stop()
    await edit(alice, (token) => {
      code = token.action
      return token
    })
    await ntf.start({ "notifications.port": port })
    await alice.start()
    expect(await device.register("periodic")).toEqual({ type: "ACTIVE" })
    await alice.stop()
    await edit(alice, (token) => ({ ...token, status: { type: "CONFIRMED" }, action: code }))
    await restart(ntf)
    await alice.start()
    expect(await device.register("periodic")).toEqual({ type: "ACTIVE" })
  })

  it.each([
    ["N7: the push was lost", (token: TokenRecord) => token],
    [
      "N8: the answer was lost",
      ({ tokenId: _, secret: __, ...token }: TokenRecord): TokenRecord => ({
        ...token,
        status: { type: "NEW" },
        action: { type: "register" },
      }),
    ],
  ])("%s, and both restart", async (_, change) => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    await using alice = await open(relay, [ntf])
    const device = new Device(alice, "abcd")
    await device.register("periodic")
    await device.verification(ntf)
    await alice.stop()
    await edit(alice, change)
    await restart(ntf)
    await alice.start()
    expect(await device.register("periodic")).toEqual({ type: "REGISTERED" })
    expect(await device.verify(await device.verification(ntf))).toEqual({ type: "ACTIVE" })
    expect(await device.check()).toEqual({ type: "ACTIVE" })
    expect((await ntf.store.counts()).tokens).toBe(1)
  })

  it("N9: of two servers one is chosen, and the other not needed", async () => {
    await using relay = await TestRelay.start()
    await using one = await TestNotifications.start()
    await using two = await TestNotifications.start()
    await using alice = await open(relay, [one, two])
    const device = new Device(alice, "abcd")
    await device.register("periodic")
    const port = alice.agent.notifications.state?.server.port
    const [chosen, other] = one.address.port === port ? [one, two] : [two, one]
    await device.verify(await device.verification(chosen))
    await other.stop()
    expect(await device.check()).toEqual({ type: "ACTIVE" })
    await chosen.stop()
    await expect(device.check()).rejects.toMatchObject(NETWORK)
  })

  it("N10: other servers in the settings are for the next registration", async () => {
    await using relay = await TestRelay.start()
    await using one = await TestNotifications.start()
    await using two = await TestNotifications.start()
    await using alice = await open(relay, [one])
    const device = new Device(alice, "abcd")
    await device.activate(one, "periodic")
    const address = two.address
    alice.agent.notifications.setServers([address])
    expect(await device.check()).toEqual({ type: "ACTIVE" })
    await alice.restart({ notifications: { servers: [address] } })
    device.renew("efab")
    expect(await device.register("periodic")).toEqual({ type: "REGISTERED" })
    expect(await device.verify(await device.verification(one))).toEqual({ type: "ACTIVE" })
    expect(await device.check()).toEqual({ type: "ACTIVE" })
    expect(two.push.attempts).toEqual([])

    await alice.agent.notifications.delete()
    await two.stop()
    await expect(device.register("periodic")).rejects.toMatchObject(NETWORK)
    expect(alice.agent.notifications.state).toMatchObject({ server: address, status: { type: "NEW" } })
    await two.start({ "notifications.port": Number(address.port) })
    expect(await device.register("periodic")).toEqual({ type: "REGISTERED" })
    expect(await device.verify(await device.verification(two))).toEqual({ type: "ACTIVE" })
    expect(await device.check()).toEqual({ type: "ACTIVE" })
  })

  it.each([
    ["N11", (device: Device) => device.register("periodic")],
    ["N12", (device: Device) => device.check()],
  ])("%s: the push service refuses the token", async (_, first) => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    await using alice = await open(relay, [ntf])
    const device = new Device(alice, "abcd")
    await device.activate(ntf, "periodic")
    let tokenId = await activeRegistration(ntf)
    await eventually(async () => {
      tokenId = await activeRegistration(ntf)
      return tokenId.length > 0
    })
    await ntf.store.invalidateToken(tokenId, device.token, "UNREGISTERED")
    expect(await first(device)).toMatchObject({ type: "INVALID" })
    expect(await device.register("periodic")).toEqual({ type: "REGISTERED" })
    expect(await device.verify(await device.verification(ntf))).toEqual({ type: "ACTIVE" })
    expect(await device.check()).toEqual({ type: "ACTIVE" })
  })

  it("N13, N14: a server is tried out, with its address and with a wrong one", async () => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    await using alice = await open(relay, [])
    const { notifications } = alice.agent
    expect(await notifications.testServer(ntf.address)).toBeUndefined()
    expect((await ntf.store.counts()).tokens).toBe(0)
    expect(await notifications.testServer({ ...ntf.address, keyHash: relay.relay.fingerprint })).toMatchObject({
      step: "connect",
      error: { problem: { code: "BROKER", error: { type: "NETWORK", error: { type: "UNKNOWNCA" } } } },
    })
    await expect(new Device(alice, "abcd").register("periodic")).rejects.toMatchObject(PROHIBITED)
  })

  it("sends the device token that was supplied when a registration is repeated", async () => {
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    const address = ntf.address
    await using alice = await open(relay, [ntf])
    await ntf.stop()
    const device = new Device(alice, "abcd")
    await expect(device.register("periodic")).rejects.toMatchObject(NETWORK)
    await ntf.start({ "notifications.port": Number(address.port) })
    device.renew("efab")
    expect(await device.register("instant")).toEqual({ type: "REGISTERED" })
    expect(await device.verify(await device.verification(ntf))).toEqual({ type: "ACTIVE" })
    expect(alice.agent.notifications.state?.mode).toBe("instant")
  })
})
