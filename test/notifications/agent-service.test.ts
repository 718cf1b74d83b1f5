import { expect, it } from "vitest"
import { connect, type Pair, TestAgent } from "../agent/test-agent.ts"
import { Device } from "../support/device.ts"
import { eventually, TestNotifications } from "../support/notifications.ts"
import { TestRelay } from "../support/relay.ts"

/* notifications-client.md §7, N25. */

/** The last version without services. */
const NO_SERVICES = 15

interface Phase {
  readonly name: string
  /** Of the notification server and of the relay. */
  readonly ntf: boolean
  readonly relay: boolean
  /** Subscriptions that the service has at the relay, before the phase's new connection. */
  readonly associated: bigint
}

const PHASES: readonly Phase[] = [
  { name: "(a) no service", ntf: false, relay: false, associated: 0n },
  { name: "(b) only the notification server has a service", ntf: true, relay: false, associated: 0n },
  { name: "(c) both have, and associate", ntf: true, relay: true, associated: 3n },
  { name: "(d) both have, and it subscribes", ntf: true, relay: true, associated: 4n },
  { name: "(e) the notification server has none any more", ntf: false, relay: true, associated: 0n },
  { name: "(f) no service", ntf: false, relay: false, associated: 0n },
]

it("N25: services come and go at both servers, and nothing is lost", { timeout: 60_000 }, async () => {
  await using relay = await TestRelay.start({ settings: { "relay.max_version": NO_SERVICES } })
  await using ntf = await TestNotifications.start({ settings: { "notifications.service": false } })
  await using alice = await TestAgent.open("alice", {
    ...{ servers: [relay], store: "lmdb", notifications: { servers: [ntf.address] } },
    client: { backoff: { initialMs: 50, maxMs: 200 } },
  })
  await using bob = await TestAgent.open("bob", {
    servers: [relay],
    client: { backoff: { initialMs: 50, maxMs: 200 } },
  })
  const device = new Device(alice, "abcd")
  await device.activate(ntf, "instant")
  const pairs: Pair[] = [await connect(alice, bob)]
  const [relayPort, ntfPort] = [relay.port, Number(ntf.address.port)]

  for (const phase of PHASES) {
    await ntf.stop()
    await relay.stop()
    await relay.start({ "relay.port": relayPort, "relay.max_version": phase.relay ? 20 : NO_SERVICES })
    await ntf.start({ "notifications.port": ntfPort, "notifications.service": phase.ntf })
    const ids = pairs.map(({ a }) => a)
    await device.listening(ntf, ids)
    await eventually(() => ntf.server.relays.states.up === 1)
    const [record] = (await ntf.store.relays({ limit: 2 })).items
    expect(record?.counters.count, phase.name).toBe(phase.associated)

    const pair = await connect(alice, bob)
    pairs.push(pair)
    await device.listening(ntf, [pair.a])
    for (const { a, b } of pairs) {
      await bob.say(b, phase.name)
      const { meta } = await alice.next("message", a)
      // The handshake of the new connection is told of, too.
      await eventually(async () => {
        const last = (await device.message(ntf)).messages.at(-1)
        return last?.connectionId.join() === a.join() && last.meta?.timestamp === meta.serverTime
      })
      await alice.agent.acknowledge(a, meta.messageId)
    }
  }
})
