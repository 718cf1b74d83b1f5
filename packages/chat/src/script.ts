import { bytesToJson } from "@sluice/encoding/json"
import type { Chat } from "./chat.ts"
import type { Contact } from "./contacts.ts"
import type { ChatEvent } from "./events.ts"

/** How a script talks. */
export interface ScriptOptions {
  /** Texts to send, one after the other: lines of standard input. */
  readonly lines: AsyncIterable<string>
  /** Gets everything that happens, as values for JSON. */
  readonly print: (value: object) => void
  /** Whom to talk to; default the first who is connected. */
  readonly to?: Contact | undefined
  /** Messages to wait for, before it ends. */
  readonly count: number
  /** Own messages count as done when a relay has them; else when the other side has said that it has them. */
  readonly receipts: boolean
  /** Ends it early. */
  readonly signal: AbortSignal
}

/**
 * Sends all lines and prints all that happens; resolves when every line has arrived and `count` messages have come. Rejects
 * with the reason of the signal, and with an error when a message can not be delivered.
 */
export async function runScript(chat: Chat, options: ScriptOptions): Promise<void> {
  const { lines, print, count, receipts, signal } = options
  const done = receipts ? "received" : "sent"
  const arrived = new Set<string>()
  const sent = new Set<string>()
  let received = 0
  let finished = false
  const ended = Promise.withResolvers<void>()
  const partner = Promise.withResolvers<Contact>()
  if (options.to?.connected === true) partner.resolve(options.to)
  const look = (): void => {
    if (finished && received >= count && [...sent].every((id) => arrived.has(id))) ended.resolve()
  }
  const stop = chat.events.onAny((event) => {
    print(eventJson(event))
    if (event.type === "connected") partner.resolve(event.contact)
    else if (event.type === "message") received++
    else if (event.type === "failed") ended.reject(new Error(`a message was not delivered: ${event.reason}`))
    else if (event.type === done) arrived.add(keyOf(event.contact, event.messageId))
    look()
  })
  const onAbort = (): void => {
    partner.reject(signal.reason)
    ended.reject(signal.reason)
  }
  // The rejection reaches the caller through `ended`; nobody may be waiting for the other one.
  partner.promise.catch(() => undefined)
  signal.addEventListener("abort", onAbort, { once: true })
  const talk = async (): Promise<void> => {
    const contact = await partner.promise
    for await (const line of lines) if (line !== "") sent.add(keyOf(contact, await chat.say(contact, line)))
    finished = true
    look()
  }
  try {
    await Promise.all([talk(), ended.promise])
  } finally {
    stop()
    signal.removeEventListener("abort", onAbort)
  }
}

/** The agent counts the messages of each connection. */
function keyOf({ connectionId }: Contact, messageId: number): string {
  return `${bytesToJson(connectionId)} ${messageId}`
}

/** An event as a line of JSON. Contacts are named by their connection and by the name that they give themselves. */
export function eventJson(event: ChatEvent): object {
  if (!("contact" in event)) return event
  const { contact, ...rest } = event
  const who = { contact: bytesToJson(contact.connectionId), name: contact.profile.displayName }
  switch (rest.type) {
    case "contact":
    case "profile": {
      const { displayName, fullName, description, image } = contact.profile
      return { type: rest.type, ...who, profile: { displayName, fullName, description, picture: image !== undefined } }
    }
    case "message": {
      const { ref, text, kind, quoted, at, integrity } = rest.message
      const complete = integrity.type === "OK" || integrity.type === "DUPLICATE"
      return { type: "message", ...who, ref: ref && bytesToJson(ref), kind, text, quoted, at, complete }
    }
    case "changed":
      return { ...rest, ...who, ref: bytesToJson(rest.ref) }
    default:
      return { ...rest, ...who }
  }
}
