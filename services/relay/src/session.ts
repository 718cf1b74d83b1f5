import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Log } from "@sluice/ops/log"
import type { Reply } from "@sluice/server-kit/protocol"
import type { SessionHandler } from "@sluice/server-kit/session-handler"
import type { SmpSession } from "@sluice/server-kit/smp"
import type { Verifier } from "@sluice/smp-protocol/authorization"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import { SessionBoxKeys } from "@sluice/smp-protocol/box-key-cache"
import { deliveryItem } from "@sluice/smp-protocol/delivered-body"
import { encodeResponse } from "@sluice/smp-protocol/transmission"
import type { ServerSession } from "@sluice/transport/session"
import { Client, type Connection, type Outgoing } from "./client.ts"
import type { RelayContext } from "./context.ts"
import { processUnit } from "./process-unit.ts"
import type { FirstMessage } from "./request.ts"

/** Queue keys whose box key with the session key one connection keeps: 100 bytes each. */
const BOX_KEYS = 256

/** The relay's side of one connection. */
export class RelaySession implements SessionHandler<ReceivedCommand> {
  readonly #relay: RelayContext
  readonly #session: SmpSession
  readonly #client: Client
  #following: readonly FirstMessage[] = []
  #room: PromiseWithResolvers<void> | undefined

  constructor(relay: RelayContext, session: SmpSession) {
    this.#relay = relay
    this.#session = session
    this.#client = new Client(new SessionConnection(relay.crypto, relay.log, session, () => this.#whenDrained()))
    relay.clients.add(this.#client)
  }

  async handle(commands: readonly ReceivedCommand[]): Promise<readonly Reply[]> {
    const { params } = this.#session
    const { answers, messages } = await processUnit(this.#relay, this.#client, commands, (received, answer) =>
      this.#session.answerLater(
        received,
        answer.then((outgoing) => encode(this.#relay.crypto, params, outgoing)),
      ),
    )
    this.#following = messages
    return answers.map((outgoing) => encode(this.#relay.crypto, params, outgoing))
  }

  answered(): void {
    const following = this.#following
    this.#following = []
    for (const { subscription, outgoing } of following) {
      if (this.#session.congested) this.#relay.delivery.postpone(subscription)
      else this.#client.connection.push([outgoing])
    }
  }

  drained(): void {
    this.#room?.resolve()
    this.#room = undefined
    this.#relay.delivery.drained(this.#client)
  }

  subscribed(): boolean {
    return this.#client.subscribed
  }

  closed(): void {
    const { clients, delivery, notifications, services, events, network } = this.#relay
    this.#client.closed = true
    clients.delete(this.#client)
    delivery.closed(this.#client)
    notifications.closed(this.#client)
    services.closed(this.#client)
    events.forget(this.#client)
    network.closed?.(this.#client)
    this.#room?.resolve()
  }

  #whenDrained(): Promise<void> {
    if (!this.#session.open || !this.#session.congested) return Promise.resolve()
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }
}

class SessionConnection implements Connection {
  readonly #crypto: CryptoBackend
  readonly #log: Log
  readonly #session: SmpSession
  readonly room: () => Promise<void>
  readonly verifier: Verifier

  constructor(crypto: CryptoBackend, log: Log, session: SmpSession, room: () => Promise<void>) {
    this.#crypto = crypto
    this.#log = log
    this.#session = session
    this.room = room
    // Without ALPN there was no key in the hello, and no authenticator that it would open.
    const sessionKey = (session.params.sessionKey ?? crypto.generateKeyPair("x25519")).privateKey
    this.verifier = { crypto, sessionKey, boxKeys: new SessionBoxKeys(BOX_KEYS) }
  }

  get version(): number {
    return this.#session.params.version
  }

  get sessionId(): Uint8Array {
    return this.#session.params.sessionId
  }

  get sessionSecret(): Uint8Array | undefined {
    return this.#session.params.sessionSecret
  }

  get service(): ServerSession["service"] {
    return this.#session.params.service
  }

  get congested(): boolean {
    return this.#session.congested
  }

  turn(): Promise<void> {
    return this.#session.turn()
  }

  push(batch: readonly Outgoing[]): void {
    try {
      this.#session.push(batch.map((outgoing) => encode(this.#crypto, this.#session.params, outgoing)))
    } catch (error) {
      // Events come out of other people's commands and out of timers: what can't be sent is this session's end, not theirs.
      this.#log.error("an event could not be sent, which is a defect of this program", { error })
      this.#session.close()
    }
  }
}

function encode(crypto: CryptoBackend, params: ServerSession, { corrId, entityId, message }: Outgoing): Reply {
  if (message.tag !== "DELIVER") return encodeResponse(params, corrId, entityId, message)
  const { key, message: content } = message
  return deliveryItem(crypto, params, { corrId, recipientId: entityId, msgId: content.id, key, content })
}
