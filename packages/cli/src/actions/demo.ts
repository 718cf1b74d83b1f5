import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { utf8 } from "@sluice/encoding/bytes"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { withServer } from "../client-failure.ts"
import { Party, type Sent, type Surroundings } from "../demo/party.ts"
import { CommandFailure } from "../failure.ts"
import { columns, printData } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { formatQueueAddress, parseQueueAddress } from "../queue/queue-address.ts"
import { serverArgument, serverName } from "../server-argument.ts"

const TIMEOUT_MS = 15_000

/** What is said, after the greeting in which Bob tells Alice where to answer. */
const TALK: readonly (readonly ["Alice" | "Bob", string])[] = [
  ["Alice", "Hello Bob! Who can read this?"],
  ["Bob", "You and I."],
  ["Alice", "And the relay, what does it learn from the length of your answer? 🤔"],
  ["Bob", "Nothing: a word is as long as a page there."],
]

/** `sluice demo` */
export async function demo(text: string | undefined, options: GlobalOptions): Promise<void> {
  const server = await serverArgument(text, options)
  await withServer(server, () => perform(server))
}

async function perform(server: ServerAddress): Promise<void> {
  const surroundings: Surroundings = { crypto: nativeCrypto, sent: [], timeoutMs: TIMEOUT_MS }
  step(1, `Alice and Bob connect to the relay at ${serverName(server)}, each with a connection of their own`)
  const alice = await Party.connect("Alice", server, surroundings)
  await using _alice = alice.connection
  const bob = await Party.connect("Bob", server, surroundings)
  await using _bob = bob.connection
  const { version } = alice.connection.session
  tell("both", `checked that the relay's certificate has the fingerprint of the address; SMP version ${version}`)

  step(2, "Alice creates a queue and gives Bob its address, on a way that the relay does not see")
  const forBob = await alice.createQueue()
  const invitation = formatQueueAddress(forBob)
  tell(
    "Alice",
    `receives from ${id(alice.queue.recipientId)}, Bob sends to ${id(forBob.senderId)}: only the relay knows they are one`,
  )
  tell("Alice → Bob", shortened(invitation))

  step(3, "Bob makes it his to send to, creates a queue for the answers, and sends its address as first message")
  await bob.secure(parseQueueAddress(invitation))
  const forAlice = await bob.createQueue()
  const reply = formatQueueAddress(forAlice)
  await exchange(bob, alice, reply, shortened(reply))

  step(4, "Alice makes that one hers: now there is a queue in each direction")
  await alice.secure(parseQueueAddress(reply))
  tell("Alice", `sends to ${id(forAlice.senderId)}`)

  step(5, "They talk")
  for (const [from, text] of TALK) {
    if (from === "Alice") await exchange(alice, bob, text)
    else await exchange(bob, alice, text)
  }

  step(6, "What the relay saw")
  const texts = [reply, ...TALK.map(([, text]) => text)]
  printData(relayView(surroundings.sent, texts))

  step(7, "Both delete their queues")
  await alice.leave()
  await bob.leave()
  printData("\nDone: every message arrived, and only the other side could read it.")
}

/** One message from one to the other, checked to be the same at the end. */
async function exchange(from: Party, to: Party, text: string, shown: string = text): Promise<void> {
  const { body } = await from.send(text)
  tell(from.name, `writes “${shown}”: ${utf8(text).length} bytes, ${body.length} encrypted for ${to.name}`)
  const received = await to.receive()
  if (received.text !== text) throw new CommandFailure(`${to.name} read something else than ${from.name} wrote`)
  tell(to.name, `reads “${shown}”: ${received.delivered} bytes came, encrypted once more by the relay`)
}

/** The bodies as they were sent, which is all that a relay gets; none of the texts may be in them. */
function relayView(sent: readonly Sent[], texts: readonly string[]): string {
  const bytes = sent.map(({ body }) => Buffer.from(body))
  if (texts.some((text) => bytes.some((body) => body.includes(text)))) {
    throw new CommandFailure("a message was sent in clear")
  }
  const rows = sent.map(({ senderId, body }): readonly [string, string] => [
    `  to ${id(senderId)}`,
    `${body.length} bytes, ${Buffer.from(body.subarray(-12)).toString("hex")}… (random to everybody else)`,
  ])
  return [
    `  two connections and the addresses they came from; two queues; ${sent.length} messages and their times:`,
    columns(rows),
    "  Whatever the length of a text, its message has one of two sizes: that of a first one, and that of all others.",
    "  On the network each of them was one block of 16384 bytes inside TLS, like every other command and answer.",
    "  That who reads from one of the queues writes to the other it could guess from the connections; apps choose another",
    "  relay for each direction, and send through a proxy. Not seen: names, texts, lengths.",
  ].join("\n")
}

function step(number: number, title: string): void {
  printData(`${number === 1 ? "" : "\n"}${number}. ${title}`)
}

function tell(who: string, what: string): void {
  printData(`  ${who.padEnd(5)}  ${what}`)
}

/** The beginning of an id of 24 bytes. */
function id(bytes: Uint8Array): string {
  return `${encodeBase64Url(bytes).slice(0, 6)}…`
}

function shortened(address: string): string {
  return `${address.slice(0, 16)}…${address.slice(-12)}`
}
