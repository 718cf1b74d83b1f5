// Small things that programs with agents need again and again.
import { Agent } from "@sluice/agent/agent"
import type { AgentEvent } from "@sluice/agent/events"
import type { ServerSetting } from "@sluice/agent/network/settings"
import { memoryStore } from "@sluice/agent/store/memory-store"
import { equalBytes } from "@sluice/encoding/bytes"
import { parseServerAddress } from "@sluice/encoding/server-address"

/** Longest time that a self-test waits for something, ms. */
export const PATIENCE = 30_000

/**
 * An agent with one user, whose queues are on the first of these relays; the others it only knows. It forgets everything
 * at its end; `lmdbStore` in place of the store does not.
 */
export async function openAgent(...relays: readonly string[]): Promise<{ agent: Agent; user: number }> {
  const agent = await Agent.open({ store: memoryStore() })
  const user = await agent.createUser(serversFor(...relays))
  return { agent, user }
}

/** Servers of a user: queues are made on the first. Relays that are not among them are only spoken to through a proxy. */
export function serversFor(...relays: readonly string[]): ServerSetting[] {
  return relays.map((relay, index) => ({
    address: parseServerAddress(relay, { scheme: "smp" }),
    storage: index === 0,
  }))
}

/** Events of one type, and of one connection if it is named. */
export type EventOf<T extends AgentEvent["type"]> = Extract<AgentEvent, { readonly type: T }>

/**
 * The next event of this type on this connection. Call it before what causes the event, and await it after: events do
 * not wait for listeners.
 */
export async function nextEvent<T extends AgentEvent["type"]>(
  agent: Agent,
  type: T,
  connectionId?: Uint8Array,
): Promise<EventOf<T>> {
  for await (const event of agent.events.stream({ signal: AbortSignal.timeout(PATIENCE) })) {
    if (event.type !== type) continue
    if (connectionId === undefined || ("connectionId" in event && equal(event.connectionId, connectionId)))
      return event as EventOf<T>
  }
  throw new Error(`no "${type}" within ${PATIENCE / 1000} s`)
}

function equal(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && equalBytes(a, b)
}

/** Connects two agents by a one-time invitation; gives the connection's ID on each side. */
export async function connect(
  inviting: { agent: Agent; user: number },
  joining: { agent: Agent; user: number },
): Promise<{ inviter: Uint8Array; joiner: Uint8Array }> {
  const { connectionId: inviter, link } = await inviting.agent.createConnection(inviting.user)
  const asked = nextEvent(inviting.agent, "confirmation", inviter)
  const connected = nextEvent(inviting.agent, "connected", inviter)
  const joined = joining.agent.events.once("connected", { signal: AbortSignal.timeout(PATIENCE) })
  const { connectionId: joiner } = await joining.agent.joinConnection(joining.user, link, { info: new Uint8Array(0) })
  const { confirmationId } = await asked
  await inviting.agent.allowConnection(inviter, confirmationId, new Uint8Array(0))
  await Promise.all([connected, joined])
  return { inviter, joiner }
}
