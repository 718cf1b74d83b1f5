import { readFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import { AgentError } from "@sluice/agent/errors"
import { PRIVACY_LEVELS, type PrivacyLevel } from "@sluice/agent/network/settings"
import { openAgent } from "@sluice/agent-service/open-agent"
import { Chat } from "@sluice/chat/chat"
import { type Contact, ContactBook } from "@sluice/chat/contacts"
import { runScript } from "@sluice/chat/script"
import { nativeCrypto } from "@sluice/crypto/native"
import { OperatorError, quoteValue } from "@sluice/ops/operator-error"
import { Secret } from "@sluice/ops/secret"
import { LinkError } from "@sluice/short-links/errors"
import { CommandFailure } from "../failure.ts"
import { printJson } from "../output.ts"
import { type GlobalOptions, placeOf } from "../place.ts"
import { readText } from "../queue/state-file.ts"
import { parseAddress, serverArgument } from "../server-argument.ts"

/** Options of `sluice chat`. */
export interface ChatOptions extends GlobalOptions {
  readonly name: string
  readonly invite?: true
  readonly address?: true
  readonly to?: string
  readonly relay?: readonly string[]
  readonly folder?: string
  readonly passphraseFile?: string
  readonly privacy: string
  readonly script?: true
  readonly count: number
  readonly receipts: boolean
  /** Milliseconds. */
  readonly timeout?: number
}

/** Milliseconds in which receipts have to be at the relay when a chat ends. */
const LAST_WORDS = 3000

/** `sluice chat` */
export async function chat(link: string | undefined, options: ChatOptions): Promise<void> {
  const { dataFolder } = placeOf(options)
  const folder = resolve(options.folder ?? join(dataFolder, "chat"))
  const name = options.name.trim()
  if (name === "") throw new OperatorError("--name is empty; allowed: any text")
  const agent = await openAgent(folder, {
    passphrase: await passphraseOf(options),
    relays: [],
    privacy: privacyOf(options.privacy),
  })
  try {
    const userId = agent.users()[0] ?? (await agent.createUser(await serversOf(options)))
    const book = await ContactBook.open(join(folder, "contacts.json"))
    const conversation = new Chat({ agent, userId, profile: { displayName: name }, book, crypto: nativeCrypto })
    await withWords(() => talk(conversation, link, options))
    await conversation.close()
    // Receipts for what has just come are on their way.
    await agent.suspend({ withinMs: LAST_WORDS })
  } finally {
    await agent.close()
  }
}

async function talk(chat: Chat, link: string | undefined, options: ChatOptions): Promise<void> {
  const interactive = options.script !== true && process.stdin.isTTY && process.stdout.isTTY
  const to = chosenContact(chat, options.to)
  const start = async (tell: (made: { link: string; kind: "invitation" | "address" }) => void): Promise<void> => {
    await chat.start()
    if (options.address === true) tell({ kind: "address", link: await chat.address() })
    if (link !== undefined) await chat.connect((await linkText(link)).trim())
    else if (options.invite === true || (to === undefined && options.address !== true)) {
      tell({ kind: "invitation", link: await chat.invite() })
    }
  }
  if (interactive) {
    const { showChat } = await import("@sluice/chat/screen/show-chat")
    return await showChat(chat, { start, to: link === undefined ? to : undefined })
  }
  await withSignal(options.timeout, async (signal) => {
    const { count, receipts } = options
    const partner = link === undefined ? to : undefined
    // Listening comes first: what happens while the link is used belongs to the output.
    const running = runScript(chat, { lines: standardInput(), print: printJson, to: partner, count, receipts, signal })
    running.catch(() => undefined)
    await start((made) => printJson({ type: "link", ...made }))
    await running
  })
}

/** Lines, read from when somebody asks for them: those before that would be lost. */
async function* standardInput(): AsyncGenerator<string> {
  yield* createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
}

/** The contact with this name, or the last one; `undefined` if there is none. */
function chosenContact(chat: Chat, name: string | undefined): Contact | undefined {
  const there = chat.contacts.filter(({ connected, left }) => connected && left !== true)
  if (name === undefined) return there.at(-1)
  const found = there.findLast(({ profile }) => profile.displayName === name)
  if (found !== undefined) return found
  throw new OperatorError(`--to: ${quoteValue(name)} is not allowed; allowed: the name of somebody who is connected`)
}

async function serversOf({ relay, ...options }: ChatOptions) {
  const addresses = relay?.map((text) => parseAddress(text, "--relay")) ?? [await serverArgument(undefined, options)]
  return addresses.map((address) => ({ address }))
}

async function passphraseOf({ passphraseFile }: ChatOptions): Promise<Secret | undefined> {
  return passphraseFile === undefined ? undefined : new Secret((await readText(passphraseFile)).trim())
}

function privacyOf(text: string): PrivacyLevel {
  if (Object.hasOwn(PRIVACY_LEVELS, text)) return text as PrivacyLevel
  throw new OperatorError(`--privacy: ${quoteValue(text)} is not allowed; allowed: standard, fast, high, maximum`)
}

/** A link as it is, or what is in the file of this name. */
async function linkText(argument: string): Promise<string> {
  return /^\w+:/.test(argument) ? argument : await readFile(argument, "utf8").catch(() => argument)
}

/** Runs until it is done, the time is over, or the process is told to stop. */
async function withSignal(timeout: number | undefined, run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stopped = new AbortController()
  const stop = (): void => stopped.abort(new CommandFailure("stopped before everything had arrived"))
  process.once("SIGINT", stop).once("SIGTERM", stop)
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => stopped.abort(new CommandFailure("not everything has arrived in time")), timeout)
  try {
    await run(stopped.signal)
  } finally {
    clearTimeout(timer)
    process.off("SIGINT", stop).off("SIGTERM", stop)
  }
}

/** What goes wrong with a link or with a relay becomes one line. */
async function withWords<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof LinkError) throw new OperatorError("LINK is not allowed; allowed: a link of any form")
    if (error instanceof AgentError) throw new CommandFailure(error.message, { cause: error })
    throw error
  }
}
