import { nativeCrypto } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import { OperatorError } from "@sluice/ops/operator-error"
import type { SmpConnection } from "@sluice/smp-client/connection"
import { E2eSender } from "@sluice/smp-client/e2e"
import { say } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { queueArgument } from "../queue/argument.ts"
import { withConnection } from "../queue/connection.ts"
import type { QueueAddress } from "../queue/queue-address.ts"
import { openSenderState, type SenderState, writeSenderState } from "../queue/sender-state.ts"

/** Options of `sluice queue send`. */
export interface SendOptions extends GlobalOptions {
  readonly state?: string
  readonly notify?: true
  /** Milliseconds. */
  readonly timeout: number
}

/** Bytes that fit into the first message of a sender, which also says who it is; later ones take 96 more. */
const LARGEST_MESSAGE = 15_901

/** `sluice queue send` */
export async function sendMessage(queue: string, text: string | undefined, options: SendOptions): Promise<void> {
  const address = await queueArgument(queue)
  const message = text === undefined ? await readInput() : utf8(text)
  if (message.length > LARGEST_MESSAGE) {
    throw new OperatorError(`MESSAGE: ${message.length} bytes are not allowed; allowed: up to ${LARGEST_MESSAGE} bytes`)
  }
  const { state: file } = options
  const state = file === undefined ? undefined : await openSenderState(nativeCrypto, file, address)
  await withConnection(address.server, options.timeout, async (connection) => {
    const sender = new E2eSender(nativeCrypto, address.dhKey, state?.e2eKeys)
    // A contact queue has many senders, so each message has to say who it is from.
    const introduced = state?.introduced === true && address.mode !== "contact"
    const body = introduced ? sender.message(message) : sender.confirmation(message)
    const senderKey = state === undefined ? undefined : await secure(connection, address, state)
    await connection.sendMessage({ senderId: address.senderId, senderKey }, body, { notify: options.notify === true })
    if (file !== undefined && state?.introduced === false) await writeSenderState(file, { ...state, introduced: true })
  })
  say(`Sent ${message.length} bytes.`)
}

/**
 * Makes the queue this sender's own and gives the key to send with. Done again until the first message was sent, which
 * is harmless; only queues for one sender can be secured.
 */
async function secure(
  connection: SmpConnection,
  { senderId, mode }: QueueAddress,
  { keys, introduced }: SenderState,
): Promise<SenderState["keys"]["privateKey"] | undefined> {
  if (mode !== "messaging") return undefined
  if (!introduced) await connection.secureAsSender({ senderId }, keys)
  return keys.privateKey
}

async function readInput(): Promise<Uint8Array> {
  if (process.stdin.isTTY) say("Type the message; Ctrl+D on an empty line ends it.")
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    length += chunk.length
    // What is too long stays too long: an endless input must not fill the memory.
    if (length > LARGEST_MESSAGE) break
  }
  if (length > LARGEST_MESSAGE) {
    throw new OperatorError(`standard input: more than ${LARGEST_MESSAGE} bytes are not allowed in one message`)
  }
  return Buffer.concat(chunks)
}
