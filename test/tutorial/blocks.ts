import { Agent } from "@sluice/agent/agent"
import { AgentError } from "@sluice/agent/errors"
import { lmdbStore } from "@sluice/agent/store/lmdb-store"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { parseServerAddress } from "@sluice/encoding/server-address"

/** Opens the agent in a folder, with its user; the first time it makes both. */
export async function open(folder: string, relay: string): Promise<{ agent: Agent; user: number }> {
  const store = await lmdbStore({ folder, passphrase: "correct horse battery staple" })
  const agent = await Agent.open({ store })
  const [known] = agent.users()
  const user = known ?? (await agent.createUser([{ address: parseServerAddress(relay, { scheme: "smp" }) }]))
  // From now on it receives: once after each start.
  await agent.subscribe()
  return { agent, user }
}

/** Connects two agents; gives each side's number of the connection, and the name that it was told. */
export async function introduce(alice: Side, bob: Side): Promise<{ a: Uint8Array; b: Uint8Array; names: string[] }> {
  const invitation = await alice.agent.createConnection(alice.user)

  // Whoever listens before anything happens misses nothing.
  const asked = alice.agent.events.once("confirmation")
  const told = bob.agent.events.once("info")
  const connected = Promise.all([alice, bob].map(({ agent }) => agent.events.once("connected")))

  const joined = await bob.agent.joinConnection(bob.user, invitation.link, { info: utf8("Bob") })
  const { confirmationId, info } = await asked
  await alice.agent.allowConnection(invitation.connectionId, confirmationId, utf8("Alice"))
  await connected
  const names = [fromUtf8(info), fromUtf8((await told).info)]
  return { a: invitation.connectionId, b: joined.connectionId, names }
}

/** An agent and its user. */
export interface Side {
  readonly agent: Agent
  readonly user: number
}

/** Sends a text, and waits until the other side says that it came. */
export async function tell({ agent }: Side, connectionId: Uint8Array, text: string): Promise<void> {
  const receipt = agent.events.once("receipt")
  const { messageId } = await agent.sendMessage(connectionId, utf8(text))
  const { meta, receipts } = await receipt
  await agent.acknowledge(connectionId, meta.messageId)
  if (receipts[0]?.messageId !== messageId) throw new Error("that was for another message")
}

/** Hands every text to `take`; the sender is told when that is done. */
export function listen({ agent }: Side, take: (text: string) => Promise<void>): void {
  agent.events.on("message", async ({ connectionId, meta, body }) => {
    await take(fromUtf8(body))
    await agent.acknowledge(connectionId, meta.messageId, { receipt: true })
  })
}

/** Collects texts until one of them is "bye". */
export async function collect({ agent }: Side, signal: AbortSignal): Promise<string[]> {
  const texts: string[] = []
  for await (const event of agent.events.stream({ signal })) {
    if (event.type !== "message") continue
    texts.push(fromUtf8(event.body))
    await agent.acknowledge(event.connectionId, event.meta.messageId)
    if (texts.at(-1) === "bye") break
  }
  return texts
}

/** Says in a few words what came of a call. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return "done"
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    const { problem, temporary } = error
    if (problem.code === "CMD" && problem.reason === "SYNTAX") return "that is no link"
    if (problem.code === "CONN" && problem.reason === "NOT_FOUND") return "there is no such connection"
    return temporary ? "not now" : `never: ${error.message}`
  }
}
