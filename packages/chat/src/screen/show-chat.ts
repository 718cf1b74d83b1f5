import { AgentError } from "@sluice/agent/errors"
import { ChatMessageError } from "@sluice/chat-protocol/errors"
import { LinkError } from "@sluice/short-links/errors"
import { render } from "ink"
import { createElement } from "react"
import type { Chat } from "../chat.ts"
import type { Contact } from "../contacts.ts"
import { ChatScreen, type ScreenModel } from "./chat-screen.ts"
import { type Conversation, happened, messageKey, NO_CONVERSATION, nameOf, note, said } from "./conversation.ts"

/** A link that was made. */
export interface MadeLink {
  readonly link: string
  readonly kind: "invitation" | "address"
}

/** How a screen begins, and where it is. */
export interface ScreenOptions {
  /** What is done first, while the screen is there already. */
  readonly start: (tell: (made: MadeLink) => void) => Promise<void>
  /** With whom to go on. */
  readonly to?: Contact | undefined
  readonly stdin?: NodeJS.ReadStream | undefined
  readonly stdout?: NodeJS.WriteStream | undefined
}

const HELP = "/invite: a link for one person · /address: one for everybody · /open LINK · /to NAME · /contacts · /quit"

/** Shows a chat on the terminal until its user leaves. Rejects with what `start` rejects with. */
export async function showChat(chat: Chat, options: ScreenOptions): Promise<void> {
  const { start, to, stdin = process.stdin, stdout = process.stdout } = options
  const screen = new ScreenState(to)
  const stop = chat.events.onAny((event) => screen.change((state) => happened(state, event)))
  const tell = ({ kind, link }: MadeLink): void => {
    const whom = kind === "address" ? "everybody you like, as often as you like" : "one person"
    screen.change((state) => note(state, `Give this link to ${whom}:\n${link}`))
  }
  if (to !== undefined)
    screen.change((state) => note(state, `Going on with ${nameOf(to)}. /help says what else there is.`))
  const onLine = (text: string): void => {
    perform(chat, screen, tell, text).then(
      (stay) => stay || app.unmount(),
      (error: unknown) => screen.change((state) => note(state, wordsOf(error))),
    )
  }
  const onEnd = (): void => app.unmount()
  const app = render(createElement(ChatScreen, { model: screen, onLine, onEnd }), { stdin, stdout, exitOnCtrlC: false })
  const left = app.waitUntilExit()
  try {
    await Promise.race([left, start(tell)])
    await left
  } finally {
    app.unmount()
    stop()
  }
}

/** Does what a line says; false when it says to leave. */
async function perform(
  chat: Chat,
  screen: ScreenState,
  tell: (made: MadeLink) => void,
  text: string,
): Promise<boolean> {
  const [, command, argument = ""] = /^\/(\w+)\s*(.*)$/.exec(text) ?? []
  switch (command) {
    case undefined:
      await speak(chat, screen, text)
      return true
    case "quit":
      return false
    case "invite":
      tell({ kind: "invitation", link: await chat.invite() })
      return true
    case "address":
      tell({ kind: "address", link: await chat.address() })
      return true
    case "open":
      await chat.connect(argument)
      return true
    case "to": {
      const partner = chat.contacts.findLast((contact) => nameOf(contact) === argument)
      const words = partner === undefined ? `There is no ${argument}.` : `Writing to ${argument} now.`
      screen.change((state) => note({ ...state, partner: partner ?? state.partner }, words))
      return true
    }
    case "contacts":
      screen.change((state) => note(state, chat.contacts.map(nameOf).join(", ") || "Nobody yet."))
      return true
    default:
      screen.change((state) => note(state, HELP))
      return true
  }
}

async function speak(chat: Chat, screen: ScreenState, text: string): Promise<void> {
  const { partner } = screen.get()
  if (partner === undefined) {
    screen.change((state) => note(state, `Nobody is connected yet. ${HELP}`))
    return
  }
  const messageId = await chat.say(partner, text)
  screen.change((state) => said(state, text, messageKey(partner, messageId)))
}

function wordsOf(error: unknown): string {
  if (error instanceof LinkError) return "That is no link."
  if (error instanceof AgentError || error instanceof ChatMessageError) return error.message
  throw error
}

/** The conversation, and who looks at it. */
class ScreenState implements ScreenModel {
  #state: Conversation
  readonly #watching = new Set<() => void>()

  constructor(partner: Contact | undefined) {
    this.#state = { ...NO_CONVERSATION, partner }
  }

  readonly get = (): Conversation => this.#state

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#watching.add(changed)
    return () => this.#watching.delete(changed)
  }

  change(how: (state: Conversation) => Conversation): void {
    this.#state = how(this.#state)
    for (const changed of this.#watching) changed()
  }
}
