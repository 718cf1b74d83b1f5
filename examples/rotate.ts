// Moves the queue that somebody receives from to another relay while messages keep coming. The other side does nothing
// for it: its agent is told the new queue, tries it, and uses it from then on.
//
//   node examples/rotate.ts smp://first smp://second     moves a connection of two agents there and back
//   node examples/rotate.ts --self-test                  the same, on two relays of its own

import type { Agent } from "@sluice/agent/agent"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { connect, nextEvent, openAgent, serversFor } from "./support/agents.ts"
import { runExample } from "./support/program.ts"

/** Moves the queue of a connection from a relay to another; resolves when it is there and the old one no longer used. */
export async function moveQueue(
  { agent, user }: { agent: Agent; user: number },
  connectionId: Uint8Array,
  { from, to }: { from: string; to: string },
): Promise<void> {
  // Queues are made on the user's relays, so this is how one says where to.
  await agent.setServers(user, serversFor(to, from))
  const done = new Promise<void>((resolve) => {
    const stop = agent.events.on("switch", ({ direction, phase }) => {
      console.log(`  ${direction === "receive" ? "own" : "peer's"} queue: ${phase}`)
      if (phase !== "completed") return
      stop()
      resolve()
    })
  })
  await agent.switchQueue(connectionId)
  await done
}

/** Where a connection receives from: ports, as all relays of this example are on one machine. */
async function portOf(agent: Agent, connectionId: Uint8Array): Promise<string> {
  const { receiving } = await agent.connection(connectionId)
  return receiving.map(({ server }) => server.port).join()
}

async function demonstrate(first: string, second: string): Promise<void> {
  const alice = await openAgent(first, second)
  await using _alice = alice.agent
  const bob = await openAgent(first, second)
  await using _bob = bob.agent
  const { inviter, joiner } = await connect(alice, bob)

  const received: string[] = []
  alice.agent.events.on("message", ({ connectionId, meta, body }) => {
    received.push(fromUtf8(body))
    alice.agent.acknowledge(connectionId, meta.messageId).catch(console.error)
  })
  const sent: string[] = []
  const say = async (text: string): Promise<void> => {
    sent.push(text)
    await bob.agent.sendMessage(joiner, utf8(text))
  }

  for (const [name, from, to] of [
    ["second", first, second],
    ["first", second, first],
  ] as const) {
    console.log(`Alice receives at port ${await portOf(alice.agent, inviter)} and moves to the ${name} relay:`)
    await say(`before moving to the ${name} relay`)
    const moved = moveQueue(alice, inviter, { from, to })
    await say(`while moving to the ${name} relay`)
    await moved
    await say(`after moving to the ${name} relay`)
    while (received.length < sent.length) await nextEvent(alice.agent, "message", inviter)
    const port = await portOf(alice.agent, inviter)
    if (port !== parseServerAddress(to).port) throw new Error(`the queue is at port ${port}`)
  }
  if (received.join() !== sent.join()) throw new Error(`sent ${sent.join()}, received ${received.join()}`)
  console.log(`${received.length} messages sent before, during and after: all came, in order, once.`)
}

if (import.meta.main) {
  await runExample({
    usage: "rotate.ts smp://first smp://second | --self-test [smp://… smp://…]",
    relays: 2,
    run([first, second]) {
      return first === undefined || second === undefined ? undefined : demonstrate(first, second)
    },
    selfTest([first = "", second = ""]) {
      return demonstrate(first, second)
    },
  })
}
