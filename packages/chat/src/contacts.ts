import { readFile } from "node:fs/promises"
import type { ConnectionId } from "@sluice/agent/store/records"
import { ChatMessageError } from "@sluice/chat-protocol/errors"
import { type ChatProfile, profileFromJson, profileToJson } from "@sluice/chat-protocol/profile"
import { fromLatin1 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import {
  bytesToJson,
  type JsonObject,
  jsonBytes,
  jsonInteger,
  jsonMaybe,
  jsonObject,
  jsonText,
} from "@sluice/encoding/json"
import { writeFileAtomic } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"

/** Somebody to talk to. */
export interface Contact {
  readonly connectionId: ConnectionId
  /** What they say about themselves. */
  readonly profile: ChatProfile
  /** Both sides can send. */
  readonly connected: boolean
  /** They have deleted the contact. */
  readonly left?: boolean | undefined
}

/** One's own contact address. */
export interface OwnAddress {
  readonly connectionId: ConnectionId
  readonly link: string
}

const LAYOUT = 1

/**
 * Who is known, in a file (0600) beside the agent's store: that one holds keys and messages, and knows nobody's name. The
 * file is whole at every moment.
 */
export class ContactBook {
  readonly #path: string
  readonly #contacts = new Map<string, Contact>()
  #address: OwnAddress | undefined
  #saved: Promise<void> = Promise.resolve()

  private constructor(path: string) {
    this.#path = path
  }

  /** Reads the file; an empty book if there is none. Throws `OperatorError` for anything that is not such a file. */
  static async open(path: string): Promise<ContactBook> {
    const book = new ContactBook(path)
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined
      throw new OperatorError(`${path} cannot be read (${error.code})`, { cause: error })
    })
    if (text !== undefined) book.#load(text)
    return book
  }

  /** All, oldest first. */
  get contacts(): readonly Contact[] {
    return [...this.#contacts.values()]
  }

  get address(): OwnAddress | undefined {
    return this.#address
  }

  find(connectionId: ConnectionId): Contact | undefined {
    return this.#contacts.get(fromLatin1(connectionId))
  }

  /** Adds a contact, or changes one. */
  async put(contact: Contact): Promise<void> {
    this.#contacts.set(fromLatin1(contact.connectionId), contact)
    await this.#save()
  }

  async setAddress(address: OwnAddress): Promise<void> {
    this.#address = address
    await this.#save()
  }

  #load(text: string): void {
    try {
      const root = jsonObject(JSON.parse(text), "contacts")
      if (jsonInteger(root, "layout") !== LAYOUT) throw new DecodeError("contacts: other layout")
      for (const entry of list(root["contacts"])) {
        const contact = contactOf(jsonObject(entry, "contact"))
        this.#contacts.set(fromLatin1(contact.connectionId), contact)
      }
      this.#address = jsonMaybe(root, "address", (_, name) => {
        const address = jsonObject(root[name], name)
        return { connectionId: jsonBytes(address, "connectionId"), link: jsonText(address, "link") }
      })
    } catch (error) {
      const expected = [DecodeError, SyntaxError, ChatMessageError].some((type) => error instanceof type)
      if (!expected) throw error
      throw new OperatorError(`${this.#path} is not allowed; allowed: a file of contacts, as written by this program`)
    }
  }

  /** Saves one after the other: the last state is the one that stays. */
  #save(): Promise<void> {
    const write = (): Promise<void> => writeFileAtomic(this.#path, `${JSON.stringify(this.#json(), undefined, 2)}\n`)
    this.#saved = this.#saved.then(write, write)
    return this.#saved
  }

  #json(): JsonObject {
    const contacts = this.contacts.map(({ connectionId, profile, connected, left }) => ({
      connectionId: bytesToJson(connectionId),
      profile: profileToJson(profile),
      connected,
      left,
    }))
    const address = this.#address && { ...this.#address, connectionId: bytesToJson(this.#address.connectionId) }
    return { layout: LAYOUT, address, contacts }
  }
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new DecodeError("contacts: not a list")
  return value
}

function contactOf(entry: JsonObject): Contact {
  return {
    connectionId: jsonBytes(entry, "connectionId"),
    profile: profileFromJson(jsonObject(entry["profile"], "profile")),
    connected: entry["connected"] === true,
    ...(entry["left"] === true && { left: true }),
  }
}
