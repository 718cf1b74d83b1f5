import type { CommandTag } from "@sluice/smp-protocol/commands"
import type { Client } from "../client.ts"
import type { RelayContext } from "../context.ts"
import type { Answer, QueueRequest, Request } from "../request.ts"

/** Runs a verified command. A thrown `StoreError` is answered as the protocol says; anything else thrown is a bug. */
export type Handler<T extends CommandTag> = (
  relay: RelayContext,
  client: Client,
  request: Request<T>,
) => Answer | Promise<Answer>

/** The same for commands that act on a queue. */
export type QueueHandler<T extends CommandTag> = (
  relay: RelayContext,
  client: Client,
  request: QueueRequest<T>,
) => Answer | Promise<Answer>
