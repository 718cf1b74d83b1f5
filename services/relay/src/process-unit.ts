import { EMPTY } from "@sluice/encoding/bytes"
import type { Version } from "@sluice/encoding/version"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { CommandTag } from "@sluice/smp-protocol/commands"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { Client, Outgoing } from "./client.ts"
import type { RelayContext } from "./context.ts"
import { dispatch, dispatchSubscriptions } from "./dispatch.ts"
import { answersLater, isNetworkTag, type NetworkRequest } from "./network-commands.ts"
import type { Answer, FirstMessage, QueueRequest, Request, Verdict } from "./request.ts"
import type { Statistics } from "./statistics.ts"
import { verifyUnit } from "./verify-unit.ts"

/** Up to this many answers the first message of a SUB shares their batch (transport.md §5.3). */
const ANSWERS_WITH_MESSAGE = 4

/** What leaves after a block was processed. */
export interface UnitResult {
  /** Answers in the order of the commands, in one batch. */
  readonly answers: readonly Outgoing[]
  /** First messages that follow them, each in a batch of its own while there is room. */
  readonly messages: readonly FirstMessage[]
}

/** Starts a command whose answer is sent on its own, when it is ready. */
export type AnswerLater = (received: ReceivedCommand, answer: Promise<Outgoing>) => void

/**
 * The good commands of one block: all are verified before the first is executed. Refusals leave at once, in a batch of
 * their own; results together in the order of the commands, first messages of subscriptions behind them.
 */
export async function processUnit(
  relay: RelayContext,
  client: Client,
  commands: readonly ReceivedCommand[],
  answerLater: AnswerLater,
): Promise<UnitResult> {
  countUnit(relay.statistics, commands)
  const refusals: Outgoing[] = []
  const requests: Request[] = []
  const verdicts = await verifyUnit(relay, client.connection, commands)
  for (const [index, verdict] of verdicts.entries()) {
    const received = commands[index]
    if (received === undefined) continue
    if (!verdict.ok) refusals.push(refusal(relay.statistics, received, verdict.error))
    else if (client.closed && subscribes(verdict.request)) continue
    else if (!answeredLater(relay, client, verdict.request)) requests.push(verdict.request)
    else {
      const { request } = verdict
      answerLater(
        received,
        dispatch(relay, client, request).then((answer) => outgoing(request, answer)),
      )
    }
  }
  // Answers always find room in the output, events may not: only refusals beside results go out like events.
  if (requests.length === 0) return { answers: refusals, messages: [] }
  if (refusals.length > 0) client.connection.push(refusals)
  return result(requests, await execute(relay, client, requests))
}

/** Commands that leave something with the connection: one that is gone would never give it up again. */
function subscribes({ command }: Request): boolean {
  switch (command.tag) {
    case "SUB":
    case "NSUB":
    case "SUBS":
    case "NSUBS":
      return true
    case "NEW":
      return command.subscription === "subscribe"
    default:
      return false
  }
}

function answeredLater(relay: RelayContext, client: Client, request: Request): boolean {
  const { tag } = request.command
  if (!isNetworkTag(tag)) return false
  return relay.network.answersLater?.(client, request as NetworkRequest) ?? answersLater(tag)
}

/** Runs what came through a proxy and was verified, at the version of its envelope; gives the answer. */
export async function runForwardedCommand(
  relay: RelayContext,
  client: Client,
  received: ReceivedCommand,
  verdict: Verdict,
  version: Version,
): Promise<BrokerMessage> {
  const answered: Pick<Answer, "message"> = verdict.ok
    ? await dispatch(relay, client, verdict.request, version)
    : refusal(relay.statistics, received, verdict.error)
  if (answered.message.tag === "DELIVER") throw new Error("a sender's command was answered with a message")
  return answered.message
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

function result(requests: readonly Request[], answered: readonly Answer[]): UnitResult {
  const answers: Outgoing[] = []
  const messages: FirstMessage[] = []
  for (const [index, request] of requests.entries()) {
    const answer = answered[index]
    if (answer === undefined) throw new Error("a command was not answered")
    answers.push(outgoing(request, answer))
    if (answer.followedBy !== undefined) messages.push(answer.followedBy)
  }
  if (answers.length <= ANSWERS_WITH_MESSAGE) {
    const first = messages.shift()
    if (first !== undefined) answers.push(first.outgoing)
  }
  return { answers, messages }
}

function outgoing({ corrId, entityId }: Request, answer: Answer): Outgoing {
  return { corrId, entityId: answer.withoutEntity === true ? EMPTY : entityId, message: answer.message }
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
