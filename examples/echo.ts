// A bot that answers: it has a contact address, accepts whoever asks, and sends every message back.
//
//   npm run example:echo -- "$(npm run -s sluice -- address)"     prints the address; a SimpleX agent can use it
//   npm run example:echo -- --self-test                           plays both sides

import type { Agent } from "@sluice/agent/agent"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { nextEvent, openAgent } from "./support/agents.ts"
import { runExample } from "./support/program.ts"

/** Starts the bot on a relay; gives its agent, and the address that others use. */
export async function echoBot(relay: string): Promise<{ agent: Agent; link: string }> {
  const { agent, user } = await openAgent(relay)
  agent.events.on("request", ({ invitationId }) => {
    agent.acceptRequest(invitationId, { info: utf8("echo") }).catch(report)
  })
  agent.events.on("message", ({ connectionId, meta, body }) => {
    const answer = async (): Promise<void> => {
      await agent.sendMessage(connectionId, utf8(`you said: ${fromUtf8(body)}`))
      // Only now: a bot that is killed in between gets the message again.
      await agent.acknowledge(connectionId, meta.messageId, { receipt: true })
    }
    answer().catch(report)
  })
  // Receipts are acknowledged like messages.
  agent.events.on("receipt", ({ connectionId, meta }) => {
    agent.acknowledge(connectionId, meta.messageId).catch(report)
  })
  const { link } = await agent.createConnection(user, { kind: "contact" })
  return { agent, link }
}

function report(error: unknown): void {
  console.error(error instanceof Error ? error.message : error)
}

/** Somebody who uses the address, says something, and reads the answer. */
export async function ask(relay: string, link: string, text: string): Promise<string> {
  const { agent, user } = await openAgent(relay)
  await using _ = agent
  // The bot's side confirms by itself; this one is asked whether it still wants to.
  agent.events.on("confirmation", ({ connectionId, confirmationId }) => {
    agent.allowConnection(connectionId, confirmationId, utf8("somebody")).catch(report)
  })
  const connected = nextEvent(agent, "connected")
  const answered = nextEvent(agent, "message")
  const { connectionId } = await agent.joinConnection(user, link, { info: utf8("somebody") })
  await connected
  const receipt = nextEvent(agent, "receipt", connectionId)
  const { messageId } = await agent.sendMessage(connectionId, utf8(text))
  const { meta, body } = await answered
  await agent.acknowledge(connectionId, meta.messageId)
  const { receipts } = await receipt
  if (receipts[0]?.messageId !== messageId) throw new Error("the receipt is for another message")
  return fromUtf8(body)
}

if (import.meta.main) {
  await runExample({
    usage: "echo.ts smp://… | --self-test [smp://…]",
    relays: 1,
    run([relay]) {
      return relay === undefined ? undefined : echoBot(relay).then(({ link }) => console.log(link))
    },
    async selfTest([relay = ""]) {
      const bot = await echoBot(relay)
      await using _ = bot.agent
      for (const text of ["Is anybody there?", "Друзья 👋"]) {
        const answer = await ask(relay, bot.link, text)
        if (answer !== `you said: ${text}`) throw new Error(`wrong answer: ${answer}`)
        console.log(`“${text}” → “${answer}”`)
      }
    },
  })
}
