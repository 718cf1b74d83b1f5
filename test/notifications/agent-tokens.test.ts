import type { TokenRecord } from "@sluice/agent/notifications/records"
import { lmdbStore } from "@sluice/agent/store/lmdb-store"
import type { SealedPush } from "@sluice/ntf-protocol/push-content"
import { describe, expect, it } from "vitest"
import type { TestAgent } from "../agent/test-agent.ts"
import { activeRegistration, type Device } from "../support/device.ts"
import { eventually } from "../support/notifications.ts"
import { NotifiedAgents } from "../support/notified-agents.ts"
import { PUSH_SERVICES } from "../support/push-service.ts"

/* notifications-client.md §7, N1 to N14: registrations. */

const PROHIBITED = { problem: { code: "CMD", reason: "PROHIBITED" } }
const AUTH = { problem: { code: "NTF", error: { type: "AUTH" } } }
const NETWORK = { problem: { code: "BROKER", error: { type: "NETWORK" } } }

const CHEAP = { memoryKiB: 64, passes: 1, lanes: 1 }

/** Changes what an agent that is stopped has stored of its registration, and gives what was there. */
async function edit(agent: TestAgent, change: (token: TokenRecord) => TokenRecord): Promise<TokenRecord> {
  await using store = await lmdbStore({ folder: agent.folder, passphrase: "test", cost: CHEAP })
  const token = await store.get("notificationTokens", [])
  if (token === undefined) throw new Error("no registration is stored")
  await store.commit([{ table: "notificationTokens", put: change(token) }])
  return token
}

/** The device has registered and got this push, which it has not used yet. */
async function registered({ device }: NotifiedAgents): Promise<SealedPush> {
  expect(await device.register("periodic")).toEqual({ type: "REGISTERED" })
  return device.verification()
}

/** Verifies with a push while the server is down, which comes back with the result. */
async function verifyInVain({ device, ntf }: NotifiedAgents, verification: SealedPush): Promise<() => Promise<void>> {
  const port = Number(ntf.address.port)
  await ntf.stop()
  await expect(device.verify(verification)).rejects.toMatchObject(NETWORK)
  return () => ntf.start({ "notifications.port": port })
}

/** The push makes the registration active, and the server says so, too. */
async function expectActive(device: Device, push: SealedPush): Promise<void> {
  expect(await device.verify(push)).toEqual({ type: "ACTIVE" })
  expect(await device.check()).toEqual({ type: "ACTIVE" })
}

describe.each(PUSH_SERVICES)("registrations of agents, pushed by %s", (push) => {
  it("N1: register, verify, check, delete", async () => {
    await using all = await NotifiedAgents.start({ push })
    const { device, ntf } = all
    const { notifications } = all.alice.agent
    await expectActive(device, await registered(all))
    expect(notifications.state).toMatchObject({ status: { type: "ACTIVE" }, mode: "periodic" })
    await notifications.delete()
    await expect(device.check()).rejects.toMatchObject(PROHIBITED)
    await expect(notifications.delete()).rejects.toMatchObject(PROHIBITED)
    await eventually(async () => (await ntf.store.counts()).tokens === 0)
  })

  it("N2: registered twice, verified with the first push", async () => {
    await using all = await NotifiedAgents.start({ push })
    const first = await registered(all)
    await registered(all)
    await expectActive(all.device, first)
  })

  it("N3: another agent takes the device token over", async () => {
    await using all = await NotifiedAgents.start({ push })
    const { alice, device: first } = all
    await first.activate("periodic")
    const second = all.deviceOf(all.bob, "abcd")
    await second.register("periodic")
    const [foreign, own] = [await second.verification(), await second.verification()]
    await eventually(async () => (await second.check()).type === "CONFIRMED")
    expect(await first.check()).toEqual({ type: "ACTIVE" })
    // Both devices see the pushes to this token: that of the first registration does not open here.
    await expect(second.verify(foreign)).rejects.toMatchObject({ problem: { code: "AGENT" } })
    expect(await second.verify(own)).toEqual({ type: "ACTIVE" })
    await expect(first.check()).rejects.toMatchObject(AUTH)
    expect(await second.check()).toEqual({ type: "ACTIVE" })
    // The first one finds out at its next start, and registers from zero.
    await expect(first.register("periodic")).rejects.toMatchObject(AUTH)
    expect(alice.agent.notifications.state?.status).toEqual({ type: "REGISTERED" })
  })

  it("N4: the server restarts before the verification", async () => {
    await using all = await NotifiedAgents.start({ push })
    const verification = await registered(all)
    await all.ntf.restart()
    await all.alice.restart()
    await expectActive(all.device, verification)
  })

  it("N5: a verification that did not reach the server is finished without a push", async () => {
    await using all = await NotifiedAgents.start({ push })
    const { alice, device } = all
    const comeBack = await verifyInVain(all, await registered(all))
    await comeBack()
    await alice.restart()
    expect(await device.register("periodic")).toEqual({ type: "ACTIVE" })
    expect(await device.check()).toEqual({ type: "ACTIVE" })
    expect(device.waiting("verification")).toEqual([])
  })

  it("N6: a verification whose answer was lost", async () => {
    await using all = await NotifiedAgents.start({ push })
    const { alice, device, ntf } = all
    const comeBack = await verifyInVain(all, await registered(all))
    await alice.stop()
    const { action } = await edit(alice, (token) => token)
    await comeBack()
    await alice.start()
    expect(await device.register("periodic")).toEqual({ type: "ACTIVE" })
    await alice.stop()
    await edit(alice, (token) => ({ ...token, status: { type: "CONFIRMED" }, action }))
    await ntf.restart()
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
    await using all = await NotifiedAgents.start({ push })
    const { alice, device, ntf } = all
    await registered(all)
    await alice.stop()
    await edit(alice, change)
    await ntf.restart()
    await alice.start()
    await expectActive(device, await registered(all))
    expect((await ntf.store.counts()).tokens).toBe(1)
  })

  it("N9: of two servers one is chosen, and the other not needed", async () => {
    await using all = await NotifiedAgents.start({ push, servers: 2, configured: 2 })
    const { alice, device, servers } = all
    const verification = await registered(all)
    const { port } = alice.agent.notifications.state?.server ?? {}
    const chosen = servers.find(({ address }) => address.port === port)
    await device.verify(verification)
    await servers.find((server) => server !== chosen)?.stop()
    expect(await device.check()).toEqual({ type: "ACTIVE" })
    await chosen?.stop()
    await expect(device.check()).rejects.toMatchObject(NETWORK)
  })

  it("N10: other servers in the settings are for the next registration", async () => {
    await using all = await NotifiedAgents.start({ push, servers: 2 })
    const { alice, device, ntf } = all
    const [, two = ntf] = all.servers
    await device.activate("periodic")
    const { address } = two
    alice.agent.notifications.setServers([address])
    expect(await device.check()).toEqual({ type: "ACTIVE" })
    await alice.restart({ notifications: { servers: [address] } })
    device.renew("efab")
    await expectActive(device, await registered(all))
    expect((await two.store.counts()).tokens).toBe(0)

    await alice.agent.notifications.delete()
    await two.stop()
    await expect(device.register("periodic")).rejects.toMatchObject(NETWORK)
    expect(alice.agent.notifications.state).toMatchObject({ server: address, status: { type: "NEW" } })
    await two.start({ "notifications.port": Number(address.port) })
    await expectActive(device, await registered(all))
  })

  it.each([
    ["N11", (device: Device) => device.register("periodic")],
    ["N12", (device: Device) => device.check()],
  ])("%s: the push service refuses the token", async (_, first) => {
    await using all = await NotifiedAgents.start({ push })
    const { device, ntf } = all
    await device.activate("periodic")
    await eventually(async () => (await activeRegistration(ntf)) !== undefined)
    const tokenId = await activeRegistration(ntf)
    if (tokenId === undefined) throw new Error("no registration is active")
    await ntf.store.invalidateToken(tokenId, device.token, "UNREGISTERED")
    expect(await first(device)).toMatchObject({ type: "INVALID" })
    await expectActive(device, await registered(all))
  })
})

it("N13, N14: a server is tried out, with its address and with a wrong one", async () => {
  await using all = await NotifiedAgents.start({ configured: 0 })
  const { device, ntf, relay } = all
  const { notifications } = all.alice.agent
  expect(await notifications.testServer(ntf.address)).toBeUndefined()
  expect((await ntf.store.counts()).tokens).toBe(0)
  expect(await notifications.testServer({ ...ntf.address, keyHash: relay.relay.fingerprint })).toMatchObject({
    step: "connect",
    error: { problem: { code: "BROKER", error: { type: "NETWORK", error: { type: "UNKNOWNCA" } } } },
  })
  await expect(device.register("periodic")).rejects.toMatchObject(PROHIBITED)
})

it("sends the device token that was supplied when a registration is repeated", async () => {
  await using all = await NotifiedAgents.start()
  const { alice, device, ntf } = all
  const port = Number(ntf.address.port)
  await ntf.stop()
  await expect(device.register("periodic")).rejects.toMatchObject(NETWORK)
  await ntf.start({ "notifications.port": port })
  device.renew("efab")
  expect(await device.register("instant")).toEqual({ type: "REGISTERED" })
  expect(await device.verify(await device.verification())).toEqual({ type: "ACTIVE" })
  expect(alice.agent.notifications.state?.mode).toBe("instant")
})
