import type { CryptoBackend } from "@sluice/crypto/backend"
import type { MessageProxy } from "@sluice/proxying/message-proxy"
import { type ForwardedExecutor, runForwarded } from "@sluice/proxying/run-forwarded"
import type { Reply } from "@sluice/server-kit/protocol"
import type { SessionHandler } from "@sluice/server-kit/session-handler"
import type { SmpSession } from "@sluice/server-kit/smp"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { encodeResponse } from "@sluice/smp-protocol/transmission"
import { type ProxyTag, refusalOf } from "./refusal.ts"

/** What the sessions of a proxy share. */
export interface SessionShared {
  readonly crypto: CryptoBackend
  readonly proxy: MessageProxy
  /** Runs what other proxies forward to this one as if it were a relay. */
  readonly executor: ForwardedExecutor
}

const PONG: BrokerMessage = { tag: "PONG" }

/** The proxy's side of one connection. */
export class ProxySession implements SessionHandler<ReceivedCommand> {
  readonly #shared: SessionShared
  readonly #session: SmpSession

  constructor(shared: SessionShared, session: SmpSession) {
    this.#shared = shared
    this.#session = session
  }

  async handle(commands: readonly ReceivedCommand[]): Promise<readonly Reply[]> {
    const replies: Reply[] = []
    for (const received of commands) {
      const reply = this.#start(received)
      if (reply !== undefined) replies.push(this.#encode(received, await reply))
    }
    return replies
  }

  closed(): void {
    this.#shared.proxy.closed(this)
  }

  /** The answer, unless it comes later and on its own. */
  #start(received: ReceivedCommand): BrokerMessage | Promise<BrokerMessage> | undefined {
    const { corrId, entityId, command } = received
    switch (command.tag) {
      case "PRXY":
      case "PFWD": {
        const answer = this.#shared.proxy.run(this, { corrId, entityId, command })
        this.#session.answerLater(
          received,
          answer.then((message) => this.#encode(received, message)),
        )
        return undefined
      }
      case "RFWD":
        return this.#runForwarded(received, command.request)
      case "PING":
        return PONG
      default:
        return { tag: "ERR", error: refusalOf(command.tag) }
    }
  }

  #runForwarded({ corrId }: ReceivedCommand, request: Uint8Array): Promise<BrokerMessage> {
    const { sessionId, sessionSecret, sessionKey } = this.#session.params
    const hop = { sessionId, sessionSecret, sessionKey: sessionKey?.privateKey }
    return runForwarded(this.#shared.crypto, hop, { corrId, request }, this.#shared.executor)
  }

  /** All commands that may have an entity get it back; `PING`, `PRXY` and `RFWD` have none. */
  #encode({ corrId, entityId }: ReceivedCommand, message: BrokerMessage): Reply {
    return encodeResponse(this.#session.params, corrId, entityId, message)
  }
}

/** Commands that other proxies forward to here find what commands of direct connections find: no queues. */
export function refuseForwarded(forwarded: () => void): ForwardedExecutor {
  return {
    forwarded,
    execute: ({ command }) => ({ tag: "ERR", error: refusalOf(command.tag as Exclude<typeof command.tag, ProxyTag>) }),
  }
}
