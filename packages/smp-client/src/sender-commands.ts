import type { MessageFlags } from "@sluice/smp-protocol/types"
import { ask } from "./answer.ts"
import type { SenderQueue } from "./queue-types.ts"
import type { AuthKeyPair, CallOptions, CommandChannel, Request } from "./request.ts"

/** Options of `send`. */
export interface SendOptions extends CallOptions {
  /** Tells the recipient's notifier, if there is one. Default false. */
  readonly notify?: boolean | undefined
}

/** `SEND` as a request; signed if the queue is secured. */
export function sendRequest(queue: SenderQueue, body: Uint8Array, { notify }: SendOptions = {}): Request {
  const flags: MessageFlags = { notification: notify === true }
  return { command: { tag: "SEND", flags, body }, entityId: queue.senderId, key: queue.senderKey }
}

/** `SKEY` as a request: authorized by the very key that it hands over. */
export function secureRequest(queue: SenderQueue, keys: AuthKeyPair): Request {
  return { command: { tag: "SKEY", senderKey: keys.publicKey }, entityId: queue.senderId, key: keys.privateKey }
}

/** `SEND`. */
export async function sendMessage(
  channel: CommandChannel,
  queue: SenderQueue,
  body: Uint8Array,
  options: SendOptions = {},
): Promise<void> {
  await ask(channel, sendRequest(queue, body, options), options, "OK")
}

/** `SKEY`. */
export async function secureAsSender(
  channel: CommandChannel,
  queue: SenderQueue,
  keys: AuthKeyPair,
  call?: CallOptions,
): Promise<void> {
  await ask(channel, secureRequest(queue, keys), call, "OK")
}

/** `PING`. */
export async function ping(channel: CommandChannel, call?: CallOptions): Promise<void> {
  await ask(channel, { command: { tag: "PING" } }, call, "PONG")
}
