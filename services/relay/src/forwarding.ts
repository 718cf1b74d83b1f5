import { ForwardedCommand } from "@sluice/proxying/forwarded-command"
import type { MessageProxy } from "@sluice/proxying/message-proxy"
import { answerForwarded, type ForwardedExecutor } from "@sluice/proxying/run-forwarded"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { Client } from "./client.ts"
import type { RelayContext } from "./context.ts"
import type { NetworkPart, NetworkRequest } from "./network-commands.ts"
import { runForwardedCommand } from "./process-unit.ts"
import type { Answer, Request, Verdict } from "./request.ts"
import { verifyUnit } from "./verify-unit.ts"

type ForwardingTag = "PRXY" | "PFWD" | "RFWD"

/**
 * Private routing in a relay (proxy.md): the proxy's side for clients, and the relay's side for the proxies of others,
 * whose forwarded commands run as those of direct senders do.
 *
 * A proxy brings the commands of many people over one connection. They are started in the order in which they came, and
 * take effect in it; none waits until the one before is committed.
 */
export class Forwarding implements NetworkPart<ForwardingTag> {
  readonly #relay: RelayContext
  readonly #proxy: MessageProxy
  /** The verification that was begun last for a proxy's connection. */
  readonly #verifying = new WeakMap<Client, Promise<unknown>>()

  constructor(relay: RelayContext, proxy: MessageProxy) {
    this.#relay = relay
    this.#proxy = proxy
  }

  async run(client: Client, request: NetworkRequest<ForwardingTag>): Promise<Answer> {
    if (isForwarded(request)) return { message: await this.#forwarded(client, request) }
    const { corrId, entityId, command } = request as NetworkRequest<"PRXY" | "PFWD">
    return { message: await this.#proxy.run(client, { corrId, entityId, command }) }
  }

  answersLater(): boolean {
    return true
  }

  closed(client: Client): void {
    this.#proxy.closed(client)
  }

  #forwarded(client: Client, { corrId, command }: Request<"RFWD">): BrokerMessage | Promise<BrokerMessage> {
    const { sessionId, sessionSecret, verifier } = client.connection
    const hop = { sessionId, sessionSecret, sessionKey: verifier.sessionKey }
    const extensions = { blobs: this.#relay.blobs !== undefined }
    const opened = ForwardedCommand.open(this.#relay.crypto, hop, { corrId, request: command.request }, extensions)
    if (!(opened instanceof ForwardedCommand)) return { tag: "ERR", error: opened }
    return answerForwarded(opened, this.#executor(client))
  }

  #executor(client: Client): ForwardedExecutor {
    return {
      execute: async (received, version) => {
        const verdict = await this.#verify(client, received)
        return runForwardedCommand(this.#relay, client, received, verdict, version)
      },
      forwarded: () => {
        this.#relay.statistics.pMsgFwdsRecv++
      },
    }
  }

  /** With the session key of the proxy's connection and without a service, after what came before (proxy.md §6). */
  #verify(client: Client, received: ReceivedCommand): Promise<Verdict> {
    const authority = { verifier: client.connection.verifier }
    const before = this.#verifying.get(client) ?? Promise.resolve()
    const verdict = before.then(async () => {
      const [only] = await verifyUnit(this.#relay, authority, [received])
      if (only === undefined) throw new Error("a forwarded command was not verified")
      return only
    })
    this.#verifying.set(
      client,
      verdict.catch(() => undefined),
    )
    return verdict
  }
}

function isForwarded(request: NetworkRequest<ForwardingTag>): request is Request<"RFWD"> {
  return request.command.tag === "RFWD"
}
