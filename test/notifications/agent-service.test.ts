import { expect, it } from "vitest"
import type { Pair } from "../agent/test-agent.ts"
import { eventually } from "../support/notifications.ts"
import { NotifiedAgents } from "../support/notified-agents.ts"

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
  await using all = await NotifiedAgents.start({
    relaySettings: { "relay.max_version": NO_SERVICES },
    ntfSettings: { "notifications.service": false },
  })
  const { alice, bob, device, ntf, relay } = all
  await device.activate("instant")
  const pairs: Pair[] = [await all.connect()]
  const [relayPort, ntfPort] = [relay.port, Number(ntf.address.port)]

  for (const phase of PHASES) {
    await ntf.stop()
    await relay.stop()
    await relay.start({ "relay.port": relayPort, "relay.max_version": phase.relay ? 20 : NO_SERVICES })
    await ntf.start({ "notifications.port": ntfPort, "notifications.service": phase.ntf })
    await all.listening(...pairs)
    await eventually(() => ntf.server.relays.states.up === 1)
    const [record] = (await ntf.store.relays({ limit: 2 })).items
    expect(record?.counters.count, phase.name).toBe(phase.associated)

    const pair = await all.connect()
    pairs.push(pair)
    await all.listening(pair)
    for (const { a, b } of pairs) {
      await bob.say(b, phase.name)
      const { meta } = await alice.next("message", a)
      // The handshake of the new connection is told of, too.
      await eventually(async () => {
        const last = (await device.message()).messages.at(-1)
        return last?.connectionId.join() === a.join() && last.meta?.timestamp === meta.serverTime
      })
      await alice.agent.acknowledge(a, meta.messageId)
    }
  }
})
