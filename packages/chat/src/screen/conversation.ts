import { equalBytes, toHex } from "@sluice/encoding/bytes"
import { visibleLine, visibleText } from "@sluice/short-links/visible-text"
import type { Contact } from "../contacts.ts"
import type { ChatEvent } from "../events.ts"

/** How far an own message is. */
export type Mark = "waiting" | "sent" | "received" | "failed"

/** One thing on the screen. */
export interface Entry {
  readonly number: number
  readonly kind: "note" | "theirs" | "own"
  readonly text: string
  readonly who?: string | undefined
  /** Of own messages. */
  readonly mark?: Mark | undefined
  /** See {@link messageKey}. */
  readonly message?: string | undefined
  readonly ref?: Uint8Array | undefined
}

/** What the screen shows, and to whom a line goes. */
export interface Conversation {
  readonly entries: readonly Entry[]
  readonly partner?: Contact | undefined
  /** What came to own messages whose number was not known yet. */
  readonly early: Readonly<Record<string, Mark>>
}

export const NO_CONVERSATION: Conversation = { entries: [], early: {} }

const LONGEST_NAME = 60
const LONGEST_TEXT = 16_000

/** The name of somebody, as a terminal may show it. */
export function nameOf({ profile }: Contact): string {
  return visibleLine(profile.displayName, LONGEST_NAME) || "somebody"
}

export function note(state: Conversation, text: string): Conversation {
  return added(state, { kind: "note", text })
}

/** A text that the user has sent; `message` is its key. */
export function said(state: Conversation, text: string, message: string): Conversation {
  const { [message]: mark = "waiting", ...early } = state.early
  return added({ ...state, early }, { kind: "own", text, who: "you", mark, message })
}

/** Names a message: the agent counts those of each connection. */
export function messageKey({ connectionId }: Contact, messageId: number): string {
  return `${toHex(connectionId)} ${messageId}`
}

/** What an event changes. */
export function happened(state: Conversation, event: ChatEvent): Conversation {
  if (event.type === "closed") return state
  if (event.type === "trouble") return note(state, event.reason)
  const who = nameOf(event.contact)
  switch (event.type) {
    case "contact":
      return note(state, `${who} ${about(event.contact)}`.trim())
    case "connected":
      return note(
        { ...state, partner: event.contact },
        `${who} is connected${about(event.contact)}. Write, and press Enter.`,
      )
    case "profile":
      if (event.before.displayName === event.contact.profile.displayName) return samePartner(state, event.contact)
      return note(
        samePartner(state, event.contact),
        `${visibleLine(event.before.displayName, LONGEST_NAME)} is ${who} now`,
      )
    case "message": {
      const { text, kind, quoted, ref, integrity } = event.message
      const words = visibleText(text, LONGEST_TEXT)
      const shown = kind === "text" || kind === "link" ? words : `[${visibleLine(kind, 20)}] ${words}`
      const answered = quoted === undefined ? "" : `> ${visibleLine(quoted, LONGEST_NAME)}\n`
      const whole = integrity.type === "SKIPPED" ? note(state, `messages of ${who} are missing here`) : state
      return added(whole, { kind: "theirs", who, text: answered + shown, ref })
    }
    case "changed":
      return changed(state, event.ref, event.text)
    case "sent":
    case "received":
    case "failed":
      return marked(state, messageKey(event.contact, event.messageId), event.type)
    default:
      return note(state, `${who} has deleted this contact`)
  }
}

/** Entries that will not change any more, from the beginning on: they can be printed for good. */
export function settled({ entries }: Conversation): number {
  const open = entries.findIndex(({ mark }) => mark === "waiting" || mark === "sent")
  return open < 0 ? entries.length : open
}

function about({ profile: { fullName, description } }: Contact): string {
  const words = [fullName, description].flatMap((text) => (text === undefined ? [] : [visibleLine(text, LONGEST_NAME)]))
  return words.length === 0 ? "" : ` (${words.join(", ")})`
}

function added(state: Conversation, entry: Omit<Entry, "number">): Conversation {
  return { ...state, entries: [...state.entries, { ...entry, number: state.entries.length }] }
}

function samePartner(state: Conversation, contact: Contact): Conversation {
  const same = state.partner !== undefined && equalBytes(state.partner.connectionId, contact.connectionId)
  return same ? { ...state, partner: contact } : state
}

function marked(state: Conversation, message: string, mark: Mark): Conversation {
  const known = state.entries.some((entry) => entry.message === message)
  if (!known) return { ...state, early: { ...state.early, [message]: mark } }
  const entries = state.entries.map((entry) => {
    // The relay's answer may come after the receipt.
    const stays = entry.message !== message || entry.mark === "received"
    return stays ? entry : { ...entry, mark }
  })
  return { ...state, entries }
}

/** What was printed stays printed, so a change is told as something new. */
function changed(state: Conversation, ref: Uint8Array, text: string | undefined): Conversation {
  const entry = state.entries.findLast((one) => one.ref !== undefined && equalBytes(one.ref, ref))
  if (entry === undefined) return state
  const old = visibleLine(entry.text, LONGEST_NAME)
  if (text === undefined) return note(state, `${entry.who} has taken back “${old}”`)
  return note(state, `${entry.who} has changed “${old}” to “${visibleText(text, LONGEST_TEXT)}”`)
}
