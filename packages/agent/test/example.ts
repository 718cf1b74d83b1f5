import { Agent } from "@sluice/agent/agent"
import { lmdbStore } from "@sluice/agent/store/lmdb-store"
import { concatBytes, utf8 } from "@sluice/encoding/bytes"
import { parseServerAddress } from "@sluice/encoding/server-address"

/** Answers every message with its own words, for everybody who uses the link that it gives. */
export async function echo(folder: string, passphrase: string, relay: string): Promise<{ agent: Agent; link: string }> {
  const agent = await Agent.open({ store: await lmdbStore({ folder, passphrase }) })
  const [user = await agent.createUser([{ address: parseServerAddress(relay, { scheme: "smp" }) }])] = agent.users()

  const answer = async (): Promise<void> => {
    for await (const event of agent.events.stream()) {
      if (event.type === "request") await agent.acceptRequest(event.invitationId, { info: utf8("echo") })
      if (event.type !== "message") continue
      const { connectionId, meta, body } = event
      await agent.sendMessage(connectionId, concatBytes(utf8("you said: "), body))
      // Only now may it be forgotten: had the process died before, the same message would come again.
      await agent.acknowledge(connectionId, meta.messageId, { receipt: true })
    }
  }
  answer().catch((error: unknown) => process.emitWarning(error instanceof Error ? error : String(error)))

  await agent.subscribe()
  const { link } = await agent.createConnection(user, { kind: "contact" })
  return { agent, link }
}
