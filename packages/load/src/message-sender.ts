import type { ServerAddress } from "@sluice/encoding/server-address"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { connect } from "@sluice/smp-client/connect"
import { sendRequest } from "@sluice/smp-client/sender-commands"
import { encodeCommand } from "@sluice/smp-protocol/commands"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { OnAnswer } from "./link.ts"
import { type Auth, authKeys } from "./load-queue.ts"
import { type LinkOptions, openLink } from "./open-link.ts"

/** The sending end of a pair: sends the same body again and again. */
export interface MessageSender {
  send(onAnswer: OnAnswer): void
  close(): void
}

/** What a sender is made for. */
export interface SenderOptions {
  readonly senderId: EntityId
  readonly auth: Auth
  readonly body: Uint8Array
}

/** Connects to the relay and secures the queue. Rejects with `TransportError` or `SmpClientError`. */
export async function directSender(to: LinkOptions, { senderId, auth, body }: SenderOptions): Promise<MessageSender> {
  const link = await openLink(to)
  const { version } = link.session
  const { publicKey, privateKey: key } = authKeys(auth)
  const secure = encodeCommand({ tag: "SKEY", senderKey: publicKey }, version)
  await link.request({ tag: "SKEY", command: secure, entityId: senderId, key })
  const command = encodeCommand({ tag: "SEND", flags: { notification: false }, body }, version)
  const send = { tag: "SEND", command, entityId: senderId, key } as const
  return { send: (onAnswer) => link.ask(send, onAnswer), close: () => link.close() }
}

/**
 * The same through a proxy. This is the typed client: each message has an ephemeral key of its own and two layers of
 * encryption, beside which what it does for each call is small.
 */
export async function proxiedSender(
  proxy: ServerAddress,
  { server, version, timeoutMs }: LinkOptions,
  { senderId, auth, body }: SenderOptions,
): Promise<MessageSender> {
  const range = { min: 6, max: version }
  const connection = await connect(proxy, { range, connectTimeoutMs: timeoutMs, commandTimeoutMs: timeoutMs })
  const relay = await connection.openRelay(server, { range })
  const keys = authKeys(auth)
  await relay.secureAsSender({ senderId }, keys)
  const request = sendRequest({ senderId, senderKey: keys.privateKey }, body)
  return {
    send(onAnswer) {
      relay.send([request])[0]?.then(onAnswer, (error: unknown) => {
        if (!(error instanceof SmpClientError)) throw error
        onAnswer(error)
      })
    },
    close: () => void connection.close(),
  }
}
