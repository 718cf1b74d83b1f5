import { EMPTY } from "@sluice/encoding/bytes"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { CommandTag } from "@sluice/smp-protocol/commands"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { Client, Outgoing } from "./client.ts"
import type { RelayContext } from "./context.ts"
import { dispatch, dispatchSubscriptions } from "./dispatch.ts"
import { answersLater } from "./network-commands.ts"
import type { Answer, QueueRequest, Request } from "./request.ts"
import type { Statistics } from "./statistics.ts"
import { verifyUnit } from "./verify-unit.ts"

/** Up to this many answers the first message of a SUB shares their batch (transport.md §5.3). */
const ANSWERS_WITH_MESSAGE = 4

/**
 * The good commands of one block: all are verified before the first is executed. Refusals leave in a batch of their own,
 * results together in the order of the commands, first messages of subscriptions behind them.
 */
export async function processUnit(
  relay: RelayContext,
  client: Client,
  commands: readonly ReceivedCommand[],
): Promise<void> {
  countUnit(relay.statistics, commands)
  const refusals: Outgoing[] = []
  const requests: Request[] = []
  for (const verdict of await verifyUnit(relay, client.connection, commands)) {
    if (verdict.ok) requests.push(verdict.request)
    else refusals.push(refusal(relay.statistics, verdict.received, verdict.error))
  }
  push(client, refusals)

  const together: Request[] = []
  for (const request of requests) {
    if (answersLater(request.command)) await startLater(relay, client, request)
    else together.push(request)
  }
  if (together.length > 0) send(client, together, await execute(relay, client, together))
}

function refusal(statistics: Statistics, { command, corrId, entityId }: ReceivedCommand, error: SmpError): Outgoing {
  if (error.type === "AUTH") countUnauthorized(statistics, command.tag)
  else if (error.type === "BLOCKED" && command.tag === "SEND") statistics.msgSentBlock++
  return { corrId, entityId, message: { tag: "ERR", error } }
}

/** Starts all commands in their order and waits for all answers; those of one block count as concurrent. */
async function execute(relay: RelayContext, client: Client, requests: readonly Request[]): Promise<Answer[]> {
  const [first] = requests
  if (requests.length === 1 && first !== undefined) return [await dispatch(relay, client, first)]
  const subscriptions = requests.filter(isSubscription)
  const subscribed = subscriptions.length > 1 ? dispatchSubscriptions(relay, client, subscriptions) : undefined
  const answers: (Promise<Answer> | undefined)[] = requests.map((request) =>
    subscribed !== undefined && isSubscription(request) ? undefined : dispatch(relay, client, request),
  )
  const others = await Promise.all(answers)
  const ofSubscriptions = (await subscribed)?.values()
  return others.map((answer) => answer ?? next(ofSubscriptions))
}

function isSubscription(request: Request): request is QueueRequest<"SUB"> {
  return request.command.tag === "SUB"
}

function next(answers: Iterator<Answer> | undefined): Answer {
  const step = answers?.next()
  if (step === undefined || step.done === true) throw new Error("a subscription was not answered")
  return step.value
}

function send(client: Client, requests: readonly Request[], answers: readonly Answer[]): void {
  const batch: Outgoing[] = []
  const messages: Outgoing[] = []
  for (const [index, request] of requests.entries()) {
    const answer = answers[index]
    if (answer === undefined) throw new Error("a command was not answered")
    batch.push(outgoing(request, answer))
    if (answer.followedBy !== undefined) messages.push(answer.followedBy)
  }
  if (batch.length <= ANSWERS_WITH_MESSAGE) {
    const first = messages.shift()
    if (first !== undefined) batch.push(first)
  }
  push(client, batch)
  for (const message of messages) push(client, [message])
}

function outgoing({ corrId, entityId }: Request, answer: Answer): Outgoing {
  return { corrId, entityId: answer.withoutEntity === true ? EMPTY : entityId, message: answer.message }
}

function push(client: Client, batch: readonly Outgoing[]): void {
  if (batch.length > 0 && !client.closed) client.connection.push(batch)
}

/** Commands that need other machines are answered on their own; the client waits only while it has too many of them. */
async function startLater(relay: RelayContext, client: Client, request: Request): Promise<void> {
  const slot = relay.network.slot(client)
  if (slot !== undefined) await slot
  dispatch(relay, client, request).then(
    (answer) => push(client, [outgoing(request, answer)]),
    (error: unknown) => relay.log.error("an answer could not be sent, which is a defect of this program", { error }),
  )
}

function countUnauthorized(statistics: Statistics, tag: CommandTag): void {
  switch (tag) {
    case "SEND":
      statistics.msgSentAuth++
      break
    case "SUB":
      statistics.qSubAuth++
      break
    case "NSUB":
      statistics.ntfSubAuth++
      break
    case "GET":
      statistics.msgGetAuth++
      break
    default:
      break
  }
}

/** Batches are told by the first command of a block with several commands (relay-internals.md §12). */
function countUnit(statistics: Statistics, commands: readonly ReceivedCommand[]): void {
  if (commands.length < 2) return
  switch (commands[0]?.command.tag) {
    case "DEL":
      statistics.qDeletedAllB++
      break
    case "SUB":
      statistics.qSubAllB++
      break
    case "NDEL":
      statistics.ntfDeletedB++
      break
    case "NSUB":
      statistics.ntfSubB++
      break
    default:
      break
  }
}
