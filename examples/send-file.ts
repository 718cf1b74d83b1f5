// Sends a file as messages: a first one that describes it, then its pieces, and the answer that it has arrived intact.
//
//   node examples/send-file.ts send smp://… photo.jpg            prints a link for the other side
//   node examples/send-file.ts receive smp://… <link> folder     uses it
//   node examples/send-file.ts --self-test                       plays both sides

import { createHash, randomBytes } from "node:crypto"
import { createReadStream } from "node:fs"
import { mkdtemp, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import type { Agent } from "@sluice/agent/agent"
import type { AgentEvent } from "@sluice/agent/events"
import { fromUtf8, toHex, utf8 } from "@sluice/encoding/bytes"
import { nextEvent, openAgent, PATIENCE } from "./support/agents.ts"
import { runExample } from "./support/program.ts"
import { showProgress } from "./support/progress.ts"

/** Bytes of the file in one message; with post-quantum keys one holds 13573. */
const PIECE = 13_500
/** Messages that are stored and not yet at the relay; more would only fill the memory. */
const WINDOW = 32

/** The first message. */
interface Description {
  readonly name: string
  readonly size: number
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string
}

/** Sends a file to the other side of a connection; resolves when that side has it, and says that it is the same. */
export async function sendFile(agent: Agent, connectionId: Uint8Array, path: string): Promise<void> {
  const { size } = await stat(path)
  const description: Description = { name: basename(path), size, sha256: await digest(path) }
  const answer = nextMessage(agent, connectionId)
  const slots = new Slots(agent)
  await agent.sendMessage(connectionId, utf8(JSON.stringify(description)))
  let done = 0
  for await (const piece of createReadStream(path, { highWaterMark: PIECE }) as AsyncIterable<Uint8Array>) {
    await slots.take()
    // Nobody's phone needs to ring for each piece.
    await agent.sendMessage(connectionId, piece, { notify: false })
    done += piece.length
    showProgress("sending  ", done, size)
  }
  const verdict = await answer
  if (verdict !== description.sha256) throw new Error("the file arrived with other content")
}

/** Receives a file into a folder; resolves with its path when its content is what was announced. */
export async function receiveFile(agent: Agent, connectionId: Uint8Array, folder: string): Promise<string> {
  const messages = agent.events.stream({ signal: AbortSignal.timeout(PATIENCE) })
  let target: { readonly file: Awaited<ReturnType<typeof open>>; readonly path: string } | undefined
  let description: Description | undefined
  const hash = createHash("sha256")
  let done = 0
  try {
    for await (const event of messages) {
      if (event.type !== "message") continue
      requireWhole(event)
      if (description === undefined) {
        description = JSON.parse(fromUtf8(event.body)) as Description
        // The name comes from somebody else: only its last part may matter here.
        const path = join(folder, basename(description.name))
        target = { path, file: await open(`${path}.part`, "w", 0o600) }
      } else if (target !== undefined) {
        await target.file.write(event.body)
        hash.update(event.body)
        done += event.body.length
        showProgress("receiving", done, description.size)
      }
      // The next message comes after this; so a slow disk slows the sender down, and nothing piles up here.
      await agent.acknowledge(connectionId, event.meta.messageId)
      if (description !== undefined && target !== undefined && done >= description.size) {
        const sha256 = toHex(hash.digest())
        await agent.sendMessage(connectionId, utf8(sha256))
        if (sha256 !== description.sha256) throw new Error("the file arrived with other content")
        await rename(`${target.path}.part`, target.path)
        return target.path
      }
    }
  } finally {
    await target?.file.close()
  }
  throw new Error("the file did not come to its end")
}

/** Pieces that are missing would make another file of it; the agent tells when a message was lost. */
function requireWhole({ meta }: Extract<AgentEvent, { type: "message" }>): void {
  if (meta.integrity.type !== "OK") throw new Error(`messages are missing: ${meta.integrity.type}`)
}

/** Lets a sender go on while few enough of its messages wait for the relay. */
class Slots {
  #used = 0
  #freed = (): void => undefined

  constructor(agent: Agent) {
    agent.events.on("sent", () => {
      this.#used--
      this.#freed()
    })
  }

  async take(): Promise<void> {
    while (this.#used >= WINDOW) await new Promise<void>((resolve) => (this.#freed = resolve))
    this.#used++
  }
}

async function nextMessage(agent: Agent, connectionId: Uint8Array): Promise<string> {
  const { meta, body } = await nextEvent(agent, "message", connectionId)
  await agent.acknowledge(connectionId, meta.messageId)
  return fromUtf8(body)
}

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256")
  for await (const part of createReadStream(path) as AsyncIterable<Uint8Array>) hash.update(part)
  return hash.digest("hex")
}

/** The side that offers a file: prints the link, and sends to whoever uses it first. */
async function offer(relay: string, path: string, tell: (link: string) => void): Promise<void> {
  const { agent, user } = await openAgent(relay)
  await using _ = agent
  const asked = agent.events.once("confirmation")
  const connected = agent.events.once("connected")
  const { connectionId, link } = await agent.createConnection(user)
  tell(link)
  await agent.allowConnection(connectionId, (await asked).confirmationId, utf8("sender"))
  await connected
  await sendFile(agent, connectionId, path)
}

/** The side that uses the link. */
async function fetchFile(relay: string, link: string, folder: string): Promise<string> {
  const { agent, user } = await openAgent(relay)
  await using _ = agent
  const connectionId = agent.newConnectionId()
  const received = receiveFile(agent, connectionId, folder)
  await agent.joinConnection(user, link, { info: utf8("recipient"), connectionId })
  const path = await received
  // The verdict has to leave before the agent is closed.
  await nextEvent(agent, "sent", connectionId)
  return path
}

async function selfTest(relay: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-file-"))
  try {
    const content = randomBytes(1_000_000)
    const source = join(folder, "source")
    await writeFile(source, content)
    const inbox = await mkdtemp(join(folder, "inbox-"))
    const link = Promise.withResolvers<string>()
    const sent = offer(relay, source, link.resolve)
    const path = await fetchFile(relay, await link.promise, inbox)
    await sent
    if (!content.equals(await readFile(path))) throw new Error("the content is another one")
    console.log(`${content.length} bytes in ${Math.ceil(content.length / PIECE)} messages, with the same SHA-256`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  await runExample({
    usage: "send-file.ts send smp://… file | receive smp://… link folder | --self-test [smp://…]",
    relays: 1,
    run([what, relay, target, folder = "."]) {
      if (relay === undefined || target === undefined) return undefined
      if (what === "send") return offer(relay, target, (link) => console.log(link))
      return what === "receive" ? fetchFile(relay, target, folder).then((path) => console.log(path)) : undefined
    },
    selfTest([relay = ""]) {
      return selfTest(relay)
    },
  })
}
