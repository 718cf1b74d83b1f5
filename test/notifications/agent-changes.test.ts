import { describe, expect, it } from "vitest"
import type { Pair } from "../agent/test-agent.ts"
import type { Device } from "../support/device.ts"
import { eventually } from "../support/notifications.ts"
import { NotifiedAgents } from "../support/notified-agents.ts"
import { PUSH_SERVICES } from "../support/push-service.ts"

/* notifications-client.md §7, N17 to N24: what changes under a subscription. */

/** Waits for what making a connection was told of, which is not what a test is about, and takes it. */
async function skipHandshake(device: Device): Promise<void> {
  await eventually(() => device.waiting("message").length > 0)
  await device.skip()
}

describe.each(PUSH_SERVICES)("pushed by %s", (push) => {
  it("N17: modes change, and the registration goes and comes back", { timeout: 30_000 }, async () => {
    await using all = await NotifiedAgents.start({ push })
    const { alice, device, ntf } = all
    const { notifications } = alice.agent
    const pair = await all.notified()
    await all.pushed(pair, "instant")

    expect(await device.register("periodic")).toEqual({ type: "ACTIVE" })
    await eventually(() => notifications.subscription(pair.a) === undefined)
    await all.said(pair, "periodic")

    expect(await device.register("instant")).toEqual({ type: "ACTIVE" })
    await all.listening(pair)
    expect(device.waiting()).toEqual([])
    await all.pushed(pair, "instant again")

    await notifications.delete()
    await eventually(() => notifications.subscription(pair.a) === undefined)
    await eventually(async () => (await ntf.store.counts()).tokens === 0)
    await all.said(pair, "off")
    expect(device.waiting()).toEqual([])

    await device.activate("instant")
    await all.listening(pair)
    await all.pushed(pair, "on")
  })

  it("N18: the system gives the device another token", { timeout: 30_000 }, async () => {
    await using all = await NotifiedAgents.start({ push })
    const { alice, bob, device: old } = all
    const pair = await all.notified()
    await alice.restart()
    const device = all.deviceOf(alice, "efab")
    await device.activate("instant")
    await all.listening(pair)
    await bob.say(pair.b, "hello")
    expect(await alice.text(pair.a)).toBe("hello")
    await device.notified(pair.a)
    expect(old.waiting()).toEqual([])
  })

  it("N19: the notification server restarts, then both servers", { timeout: 30_000 }, async () => {
    await using all = await NotifiedAgents.start({ push })
    const { ntf, relay, device } = all
    const pair = await all.notified()
    await all.pushed(pair, "before")
    await ntf.restart()
    await all.pushed(pair, "after")
    const port = Number(ntf.address.port)
    await ntf.stop()
    await all.said(pair, "while it is down")
    await relay.restart()
    expect(device.waiting()).toEqual([])
    await ntf.start({ "notifications.port": port })
    await device.notified(pair.a)
  })

  it("N20: the relay restarts", { timeout: 30_000 }, async () => {
    await using all = await NotifiedAgents.start({ push })
    const pair = await all.notified()
    await all.relay.restart()
    await all.pushed(pair, "hello")
  })
})

it("N21: 50 connections on two relays, which both restart", { timeout: 60_000 }, async () => {
  await using all = await NotifiedAgents.start({ relays: 2, alice: { store: "memory" }, bob: { store: "memory" } })
  const pairs: readonly Pair[] = await Promise.all(Array.from({ length: 50 }, () => all.connect()))
  await all.device.activate("instant")
  await all.listening(...pairs)
  await Promise.all(all.relays.map((relay) => relay.restart()))
  for (const [n, pair] of pairs.entries()) await all.pushed(pair, `message ${n}`)
})

it.each([1, 2])("N22: a queue moves, %i relay(s)", { timeout: 30_000 }, async (relays) => {
  await using all = await NotifiedAgents.start({ relays })
  const { alice, device, ntf } = all
  const pair = await all.notified()
  await all.pushed(pair, "old queue")
  await alice.agent.switchQueue(pair.a)
  for (const phase of ["started", "confirmed", "secured", "completed"] as const) {
    await alice.next("switch", pair.a, (event) => event.phase === phase)
  }
  // The subscription of the old queue, and that of the new one.
  await eventually(async () => (await ntf.store.counts()).subscriptions === 2)
  await all.listening(pair)
  // What the rotation itself has said is told of, too, but of a queue that is gone.
  await device.skip()
  await all.pushed(pair, "new queue")
})

it("N23: the registration stays when the settings name another server", { timeout: 30_000 }, async () => {
  await using all = await NotifiedAgents.start({ servers: 2 })
  const { alice, device } = all
  const [, other = all.ntf] = all.servers
  const before = await all.notified()
  alice.agent.notifications.setServers([other.address])
  await other.stop()
  device.renew("efab")
  await device.activate("instant")
  const after = await all.connect()
  await all.listening(before, after)
  await skipHandshake(device)
  await all.pushed(before, "old")
  await all.pushed(after, "new")
})

it("N24: another server after the registration was deleted", { timeout: 30_000 }, async () => {
  await using all = await NotifiedAgents.start({ servers: 2 })
  const { alice, device, ntf } = all
  const [, other = ntf] = all.servers
  const before = await all.notified()
  alice.agent.notifications.setServers([other.address])
  await alice.agent.notifications.delete()
  await device.activate("instant")
  await device.listening(other, [before.a])
  await ntf.stop()
  const after = await all.connect()
  await device.listening(other, [after.a])
  await skipHandshake(device)
  await all.pushed(before, "old")
  await all.pushed(after, "new")
})
