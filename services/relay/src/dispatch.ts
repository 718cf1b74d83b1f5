import type { Version } from "@sluice/encoding/version"
import { StoreError } from "@sluice/queue-store/store-error"
import type { Client } from "./client.ts"
import { blobCommand } from "./commands/blobs.ts"
import { create } from "./commands/creation.ts"
import { key, rkey, skey } from "./commands/keys.ts"
import { del, off, que } from "./commands/lifecycle.ts"
import { ldel, lget, lkey, lset } from "./commands/links.ts"
import { ack, get, send } from "./commands/messages.ts"
import { ndel, nkey, nsub } from "./commands/notifiers.ts"
import { nsubs, subs } from "./commands/service-commands.ts"
import { subscribe } from "./commands/subscriptions.ts"
import type { RelayContext } from "./context.ts"
import { storeError } from "./found-queue.ts"
import type { NetworkRequest } from "./network-commands.ts"
import { type Answer, failed, type QueueRequest, type Request } from "./request.ts"

const PONG: Answer = { withoutEntity: true, message: { tag: "PONG" } }

/** Runs one verified command at its client's version. A failing store is the command's answer; so is a bug, which is logged as such. */
export async function dispatch(
  relay: RelayContext,
  client: Client,
  request: Request,
  version: Version = client.version,
): Promise<Answer> {
  try {
    return await run(relay, client, request, version)
  } catch (error) {
    return answerOf(relay, request, error)
  }
}

/** All SUBs of a block at once; the store reads their queues in one request. */
export async function dispatchSubscriptions(
  relay: RelayContext,
  client: Client,
  requests: readonly QueueRequest<"SUB">[],
): Promise<Answer[]> {
  try {
    return await subscribe(relay, client, requests)
  } catch (error) {
    return requests.map((request) => answerOf(relay, request, error))
  }
}

/** The answer to a command whose execution failed. */
export function answerOf(relay: RelayContext, { command }: Request, error: unknown): Answer {
  if (error instanceof StoreError) {
    relay.storeFailed(error)
    return failed(storeError(error))
  }
  relay.log.error("a command failed, which is a defect of this program", { command: command.tag, error })
  return failed({ type: "INTERNAL" })
}

/** A request whose queue the verification found; only a defect gets here without. */
function onQueue<R extends Request>(request: R): R & { readonly queue: NonNullable<R["queue"]> } {
  if (request.queue === undefined) throw new Error("a queue command was verified without its queue")
  return request as R & { readonly queue: NonNullable<R["queue"]> }
}

function run(relay: RelayContext, client: Client, request: Request, version: Version): Answer | Promise<Answer> {
  const { command } = request
  switch (command.tag) {
    case "NEW":
      return create(relay, client, { ...request, command })
    case "SUB":
      return subscribe(relay, client, [onQueue({ ...request, command })]).then(only)
    case "KEY":
      return key(relay, client, onQueue({ ...request, command }))
    case "SKEY":
      return skey(relay, client, onQueue({ ...request, command }))
    case "RKEY":
      return rkey(relay, client, onQueue({ ...request, command }))
    case "SEND":
      return send(relay, onQueue({ ...request, command }), version)
    case "ACK":
      return ack(relay, client, onQueue({ ...request, command }))
    case "GET":
      return get(relay, client, onQueue({ ...request, command }))
    case "OFF":
      return off(relay, client, onQueue({ ...request, command }))
    case "DEL":
      return del(relay, client, onQueue({ ...request, command }))
    case "QUE":
      return que(relay, client, onQueue({ ...request, command }))
    case "LSET":
      return lset(relay, client, onQueue({ ...request, command }))
    case "LDEL":
      return ldel(relay, client, onQueue({ ...request, command }))
    case "LKEY":
      return lkey(relay, client, onQueue({ ...request, command }))
    case "LGET":
      return lget(relay, client, onQueue({ ...request, command }))
    case "NKEY":
      return nkey(relay, client, onQueue({ ...request, command }))
    case "NDEL":
      return ndel(relay, client, onQueue({ ...request, command }))
    case "NSUB":
      return nsub(relay, client, onQueue({ ...request, command }))
    case "SUBS":
      return subs(relay, client, { ...request, command })
    case "NSUBS":
      return nsubs(relay, client, { ...request, command })
    case "WRT":
    case "CLR":
    case "READ":
      return blobCommand(relay, client, { ...request, command })
    case "PING":
      return PONG
    case "PRXY":
    case "PFWD":
    case "RFWD":
    case "RSLV":
      return relay.network.run(client, { ...request, command } as NetworkRequest)
    default:
      return command satisfies never
  }
}

function only(answers: readonly Answer[]): Answer {
  const [answer] = answers
  if (answer === undefined) throw new Error("a subscription was not answered")
  return answer
}
