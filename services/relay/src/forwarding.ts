import { ForwardedCommand } from "@sluice/proxying/forwarded-command"
import type { MessageProxy } from "@sluice/proxying/message-proxy"
import { answerForwarded, type ForwardedExecutor } from "@sluice/proxying/run-forwarded"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { Client } from "./client.ts"
import type { RelayContext } from "./context.ts"
import type { NetworkPart, NetworkRequest } from "./network-commands.ts"
import { runForwardedCommand } from "./process-unit.ts"
import type { Answer, Request } from "./request.ts"

type ForwardingTag = "PRXY" | "PFWD" | "RFWD"

/**
 * Private routing in a relay (proxy.md): the proxy's side for clients, and the relay's side for the proxies of others,
 * whose forwarded commands run as those of direct senders do.
 */
export class Forwarding implements NetworkPart<ForwardingTag> {
  readonly #relay: RelayContext
  readonly #proxy: MessageProxy
  /** Forwarded commands that were opened to see whether they may be answered later. */
  readonly #opened = new WeakMap<Request<"RFWD">, ForwardedCommand | SmpError>()

  constructor(relay: RelayContext, proxy: MessageProxy) {
    this.#relay = relay
    this.#proxy = proxy
  }

  async run(client: Client, request: NetworkRequest<ForwardingTag>): Promise<Answer> {
    if (isForwarded(request)) return this.#forwarded(client, request)
    const { corrId, entityId, command } = request as NetworkRequest<"PRXY" | "PFWD">
    return answer(await this.#proxy.run(client, { corrId, entityId, command }))
  }

  /** Of forwarded commands only name look-ups run beside others of the proxy's connection (proxy.md §6). */
  answersLater(client: Client, request: NetworkRequest<ForwardingTag>): boolean {
    if (!isForwarded(request)) return true
    const opened = this.#open(client, request)
    this.#opened.set(request, opened)
    return isOpen(opened) && opened.inside.run && opened.inside.received.command.tag === "RSLV"
  }

  closed(client: Client): void {
    this.#proxy.closed(client)
  }

  async #forwarded(client: Client, request: Request<"RFWD">): Promise<Answer> {
    const opened = this.#opened.get(request) ?? this.#open(client, request)
    if (!isOpen(opened)) return answer({ tag: "ERR", error: opened })
    return answer(await answerForwarded(opened, this.#executor(client)))
  }

  #open(client: Client, { corrId, command }: Request<"RFWD">): ForwardedCommand | SmpError {
    const { sessionId, sessionSecret, verifier } = client.connection
    const hop = { sessionId, sessionSecret, sessionKey: verifier.sessionKey }
    return ForwardedCommand.open(this.#relay.crypto, hop, { corrId, request: command.request })
  }

  #executor(client: Client): ForwardedExecutor {
    return {
      execute: (received: ReceivedCommand, version: number) =>
        runForwardedCommand(this.#relay, client, received, version),
      forwarded: () => {
        this.#relay.statistics.pMsgFwdsRecv++
      },
    }
  }
}

function isForwarded(request: NetworkRequest<ForwardingTag>): request is Request<"RFWD"> {
  return request.command.tag === "RFWD"
}

function isOpen(opened: ForwardedCommand | SmpError): opened is ForwardedCommand {
  return opened instanceof ForwardedCommand
}

/** The proxy's commands echo their entity: PRXY and RFWD have none, PFWD has its session. */
function answer(message: BrokerMessage): Answer {
  return { message }
}
