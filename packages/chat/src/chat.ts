import type { Agent } from "@sluice/agent/agent"
import { AgentError } from "@sluice/agent/errors"
import type { AgentEvent } from "@sluice/agent/events"
import type { ConnectionId, UserId } from "@sluice/agent/store/records"
import { decodeChatMessages, encodeChatMessage, MAX_CHAT_MESSAGE_PQ } from "@sluice/chat-protocol/codec"
import { ChatMessageError } from "@sluice/chat-protocol/errors"
import type { ChatMessage } from "@sluice/chat-protocol/message"
import type { ChatProfile } from "@sluice/chat-protocol/profile"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { parseConnectionLink } from "@sluice/short-links/connection-link"
import { LinkError } from "@sluice/short-links/errors"
import { decodeProfile, encodeProfile } from "@sluice/short-links/profile"
import { EventHub } from "@sluice/smp-client/event-hub"
import { compress, decompress } from "./compression.ts"
import type { Contact, ContactBook } from "./contacts.ts"
import type { ChatEvent } from "./events.ts"

/** What a chat is made of. Agent and book stay its caller's. */
export interface ChatParts {
  readonly agent: Agent
  readonly userId: UserId
  /** Who one is to others. */
  readonly profile: ChatProfile
  readonly book: ContactBook
  readonly crypto: CryptoBackend
}

type EventOf<T extends AgentEvent["type"]> = Extract<AgentEvent, { readonly type: T }>

/** Bytes of the number by which a message is named later. */
const REF_LENGTH = 12
const UNKNOWN: ChatProfile = { displayName: "somebody" }

/**
 * Conversations with people over an agent, in the messages that the network's apps use: links, profiles, texts, receipts.
 * Whoever uses one of its links is accepted.
 */
export class Chat {
  readonly events: EventHub<ChatEvent> = new EventHub<ChatEvent>("closed", () => new AgentError({ code: "INACTIVE" }))
  readonly #parts: ChatParts
  readonly #stop: () => void
  /** What is being done about events; a chat that closes waits for it. */
  readonly #work = new Set<Promise<void>>()

  constructor(parts: ChatParts) {
    this.#parts = parts
    this.#stop = parts.agent.events.onAny((event) => this.#onEvent(event))
  }

  get contacts(): readonly Contact[] {
    return this.#parts.book.contacts
  }

  /** Receives, and takes up what was left when the last chat ended. Once, before anything else. */
  async start(): Promise<void> {
    const { agent } = this.#parts
    for (const event of await agent.undecided()) this.#onEvent(event)
    await agent.subscribe()
  }

  /** A link for one person; the first who uses it is connected. Rejects with `AgentError`. */
  async invite(): Promise<string> {
    const { agent, userId } = this.#parts
    const { link, shortLink = link } = await agent.createConnection(userId, { linkData: this.#linkData() })
    return shortLink
  }

  /** The link that everybody can use; always the same. Rejects with `AgentError`. */
  async address(): Promise<string> {
    const { agent, userId, book } = this.#parts
    if (book.address !== undefined) return book.address.link
    const created = await agent.createConnection(userId, { kind: "contact", linkData: this.#linkData() })
    const link = created.shortLink ?? created.link
    await book.setAddress({ connectionId: created.connectionId, link })
    return link
  }

  /**
   * Uses somebody's link of any form; the contact is connected later. The profile is that of the link, if it has one.
   * Rejects with `AgentError`, and with `LinkError` for what is no link.
   */
  async connect(text: string): Promise<Contact> {
    const { agent, userId, book, crypto } = this.#parts
    const link = parseConnectionLink(text)
    const kind = link.form === "full" ? link.request.kind : link.link.kind
    const behind = link.form === "full" ? undefined : await agent.readLink(userId, text)
    const profile = (behind && profileBehind(behind.linkData)) ?? UNKNOWN
    const connectionId = agent.newConnectionId()
    const contact: Contact = { connectionId, profile, connected: false }
    await book.put(contact)
    this.events.emit({ type: "contact", contact })
    const own = this.#parts.profile
    const info = this.#encode(
      kind === "contact"
        ? { event: "x.contact", profile: own, requestId: crypto.randomBytes(REF_LENGTH) }
        : { event: "x.info", profile: own },
    )
    await agent.joinConnection(userId, text, { info, connectionId })
    return book.find(connectionId) ?? contact
  }

  /** Sends a text; gives the number that `sent` and `received` events will name. Rejects with `AgentError`. */
  async say({ connectionId }: Contact, text: string): Promise<number> {
    const { agent, crypto } = this.#parts
    const id = crypto.randomBytes(REF_LENGTH)
    const body = this.#encode({ event: "x.msg.new", id, content: { type: "text", text } })
    return (await agent.sendMessage(connectionId, body)).messageId
  }

  /** Ends what is under way. The agent stays open. */
  async close(): Promise<void> {
    this.#stop()
    await Promise.all(this.#work)
    this.events.emit({ type: "closed" })
  }

  #onEvent(event: AgentEvent): void {
    const done = this.#handle(event).catch((error: unknown) => {
      if (!(error instanceof AgentError || error instanceof ChatMessageError)) throw error
      this.events.emit({ type: "trouble", reason: error.message })
    })
    this.#work.add(done)
    void done.finally(() => this.#work.delete(done))
  }

  async #handle(event: AgentEvent): Promise<void> {
    const { agent, book, profile } = this.#parts
    switch (event.type) {
      case "confirmation": {
        const { connectionId, confirmationId, info } = event
        await this.#meet(connectionId, info)
        await agent.allowConnection(connectionId, confirmationId, this.#encode({ event: "x.info", profile }))
        return
      }
      case "request": {
        const connectionId = agent.newConnectionId()
        await this.#meet(connectionId, event.info)
        const info = this.#encode({ event: "x.info", profile })
        await agent.acceptRequest(event.invitationId, { info, connectionId })
        return
      }
      case "info":
        return await this.#meet(event.connectionId, event.info)
      case "connected": {
        const contact = { ...this.#contact(event.connectionId), connected: true }
        await book.put(contact)
        this.events.emit({ type: "connected", contact })
        return
      }
      case "message":
        return await this.#onMessage(event)
      case "receipt":
        for (const { messageId } of event.receipts) this.#tell(event.connectionId, "received", messageId)
        return await agent.acknowledge(event.connectionId, event.meta.messageId)
      case "sent":
        this.#tell(event.connectionId, "sent", event.messageId)
        return
      case "messages-failed": {
        const contact = this.#contact(event.connectionId)
        const reason = event.error.message
        for (const messageId of event.messageIds) this.events.emit({ type: "failed", contact, messageId, reason })
        return
      }
      case "error":
        this.events.emit({ type: "trouble", reason: event.error.message })
        return
      default:
        return
    }
  }

  async #onMessage({ connectionId, meta, body }: EventOf<"message">): Promise<void> {
    let wantsReceipt = false
    try {
      for (const message of decodeChatMessages(body, decompress)) {
        wantsReceipt ||= message.event === "x.msg.new"
        await this.#take(this.#contact(connectionId), message, meta)
      }
    } finally {
      // Also what can not be read is done with: it would only come again.
      await this.#parts.agent.acknowledge(connectionId, meta.messageId, { receipt: wantsReceipt })
    }
  }

  /** Takes one message. */
  async #take(contact: Contact, message: ChatMessage, meta: EventOf<"message">["meta"]): Promise<void> {
    const { book } = this.#parts
    switch (message.event) {
      case "x.msg.new": {
        const { content, quoted, id: ref } = message
        const { integrity, serverTime: at } = meta
        const text = { ref, text: content.text, kind: content.type, quoted: quoted?.content.text, at, integrity }
        this.events.emit({ type: "message", contact, message: text })
        return
      }
      case "x.msg.update":
        this.events.emit({ type: "changed", contact, ref: message.ref, text: message.content.text })
        return
      case "x.msg.del":
        this.events.emit({ type: "changed", contact, ref: message.ref })
        return
      case "x.info": {
        const changed = { ...contact, profile: message.profile }
        await book.put(changed)
        this.events.emit({ type: "profile", contact: changed, before: contact.profile })
        return
      }
      case "x.direct.del": {
        const gone = { ...contact, left: true }
        await book.put(gone)
        this.events.emit({ type: "left", contact: gone })
        return
      }
      default:
        // Groups, calls and files are for others.
        return
    }
  }

  /** Somebody says who they are, in the handshake. */
  async #meet(connectionId: ConnectionId, info: Uint8Array): Promise<void> {
    const { book } = this.#parts
    const before = book.find(connectionId)
    const profile = profileIn(info) ?? before?.profile ?? UNKNOWN
    const contact = { connectionId, connected: false, ...before, profile }
    await book.put(contact)
    if (before === undefined) this.events.emit({ type: "contact", contact })
    else this.events.emit({ type: "profile", contact, before: before.profile })
  }

  #tell(connectionId: ConnectionId, type: "sent" | "received", messageId: number): void {
    const contact = this.#parts.book.find(connectionId)
    if (contact !== undefined) this.events.emit({ type, contact, messageId })
  }

  #contact(connectionId: ConnectionId): Contact {
    return this.#parts.book.find(connectionId) ?? { connectionId, profile: UNKNOWN, connected: true }
  }

  /** For all connections the smaller limit: whether post-quantum keys will be on is known only when it is sent. */
  #encode(message: ChatMessage): Uint8Array {
    return encodeChatMessage(message, MAX_CHAT_MESSAGE_PQ, compress)
  }

  #linkData(): Uint8Array {
    return encodeProfile(this.#parts.profile, compress)
  }
}

/** The profile behind a link; links need not have one that can be read. */
function profileBehind(linkData: Uint8Array): ChatProfile | undefined {
  try {
    const { displayName, fullName, description, image } = decodeProfile(linkData, decompress)
    return displayName === "" ? undefined : { displayName, fullName, description, image }
  } catch (error) {
    if (error instanceof LinkError) return undefined
    throw error
  }
}

/** The profile that somebody gives in the handshake. */
function profileIn(info: Uint8Array): ChatProfile | undefined {
  try {
    const said = decodeChatMessages(info, decompress)
    return said.flatMap((message) => ("profile" in message ? [message.profile] : []))[0]
  } catch (error) {
    if (error instanceof ChatMessageError) return undefined
    throw error
  }
}
