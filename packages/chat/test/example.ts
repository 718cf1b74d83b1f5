import { Agent } from "@sluice/agent/agent"
import { memoryStore } from "@sluice/agent/store/memory-store"
import { Chat } from "@sluice/chat/chat"
import { ContactBook } from "@sluice/chat/contacts"
import { nativeCrypto } from "@sluice/crypto/native"
import { parseServerAddress } from "@sluice/encoding/server-address"

/** A chat that greets everybody who uses its link. */
export async function greeter(relay: string, contacts: string): Promise<{ agent: Agent; chat: Chat; link: string }> {
  const agent = await Agent.open({ store: memoryStore() })
  const userId = await agent.createUser([{ address: parseServerAddress(relay, { scheme: "smp" }) }])
  const book = await ContactBook.open(contacts)
  const chat = new Chat({ agent, userId, profile: { displayName: "Greeter" }, book, crypto: nativeCrypto })
  chat.events.on("connected", ({ contact }) => {
    chat.say(contact, `Welcome, ${contact.profile.displayName}!`).catch(console.error)
  })
  return { agent, chat, link: await chat.address() }
}
