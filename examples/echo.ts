// A program that answers: it makes a queue for everybody who sends it one, and sends every text back.
//
//   node examples/echo.ts "$(npm run -s sluice -- address)"
//
// It prints the sender ID and key of its queue as one line of JSON; `ask` below shows how another program uses them.

import { decodePublicKey, encodePublicKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { SmpClient } from "@sluice/smp-client/client"
import { isClientError } from "@sluice/smp-client/client-error"
import { E2eRecipient, E2eSender } from "@sluice/smp-client/e2e"
import type { ReceivedMessage } from "@sluice/smp-client/queue-types"

/** How to reach somebody's queue: what an invitation holds, besides the relay's address. */
export interface Reachable {
  readonly senderId: string
  /** Key that messages are encrypted for, SPKI in base64url. */
  readonly key: string
}

/** A queue of one's own, end-to-end encrypted, at a relay. */
export class Inbox implements AsyncDisposable {
  readonly #client: SmpClient
  readonly #end = new E2eRecipient(nativeCrypto)

  constructor(relayAddress: string) {
    this.#client = new SmpClient(parseServerAddress(relayAddress, { scheme: "smp" }), { patience: "interactive" })
  }

  /** Makes the queue, and calls `receive` with every text that comes, one after the other. */
  async open(receive: (text: string) => Promise<void>): Promise<Reachable> {
    const client = this.#client
    const ready = Promise.withResolvers<Awaited<ReturnType<SmpClient["createQueue"]>>>()
    const receiveFrom = async (first: ReceivedMessage): Promise<void> => {
      const queue = await ready.promise
      // An acknowledgement gives the next message, if one waits; further ones come as events.
      for (let message: ReceivedMessage | undefined = first; message !== undefined; ) {
        const delivered = client.decryptDelivered(queue, message)
        const opened = delivered?.kind === "message" ? this.#end.open(delivered.body) : undefined
        if (opened !== undefined) await receive(fromUtf8(opened.body))
        const next = await client.acknowledge(queue, message.msgId)
        message = next
      }
    }
    client.events.on("message", (first) => {
      receiveFrom(first).catch((error: unknown) => {
        // The end of the program; what was not acknowledged comes again the next time.
        if (!(isClientError(error) && error.problem.code === "CLOSED")) throw error
      })
    })
    const queue = await client.createQueue()
    ready.resolve(queue)
    const key = encodePublicKey(this.#end.publicKey)
    return { senderId: encodeBase64Url(queue.senderId), key: encodeBase64Url(key) }
  }

  /** Sends texts to somebody else's queue at the same relay. */
  sendTo({ senderId, key }: Reachable): (text: string) => Promise<void> {
    const recipient = decodePublicKey(decodeBase64Url(key))
    if (recipient.algorithm !== "x25519") throw new Error("an X25519 key is needed")
    const end = new E2eSender(nativeCrypto, recipient)
    let first = true
    return async (text) => {
      const body = first ? end.confirmation(utf8(text)) : end.message(utf8(text))
      first = false
      await this.#client.sendMessage({ senderId: decodeBase64Url(senderId) }, body)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]()
  }
}

/** Answers every text: the first one of a sender says where to. */
export async function echo(inbox: Inbox): Promise<Reachable> {
  let answer: ((text: string) => Promise<void>) | undefined
  return inbox.open(async (text) => {
    if (answer === undefined) answer = inbox.sendTo(JSON.parse(text))
    else await answer(text)
  })
}

/** Sends a text to an echo and waits for the answer. */
export async function ask(inbox: Inbox, other: Reachable, text: string): Promise<string> {
  const answer = Promise.withResolvers<string>()
  const own = await inbox.open(async (received) => answer.resolve(received))
  const send = inbox.sendTo(other)
  await send(JSON.stringify(own))
  await send(text)
  return answer.promise
}

if (import.meta.main) {
  const [address] = process.argv.slice(2)
  if (address === undefined) {
    console.error("usage: node examples/echo.ts smp://…")
    process.exitCode = 2
  } else {
    console.log(JSON.stringify(await echo(new Inbox(address))))
  }
}
