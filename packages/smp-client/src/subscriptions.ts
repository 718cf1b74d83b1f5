import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { subscriptionDifference } from "@sluice/smp-protocol/service-counters"
import { NO_ENTITY, type ServiceCounters } from "@sluice/smp-protocol/types"
import { ask, askMany, expectAnswer } from "./answer.ts"
import type { NotifierQueue, RecipientQueue, Subscribed } from "./queue-types.ts"
import { recipientRequest } from "./recipient-commands.ts"
import type { CallOptions, CommandChannel, Outcome, Request } from "./request.ts"

/** How many subscriptions are on their way at a time: 15 full blocks of signed `SUB`. */
export const SUBSCRIPTION_WINDOW: number = 15 * 135

/** What a service finds when it subscribes. */
export interface ServiceSubscribed {
  /** Number and id hash that the server has; the hash is zeros below v19. */
  readonly actual: ServiceCounters
  /** The first difference from what was expected, the count before the hash; absent if there is none. */
  readonly difference?: "count" | "hash" | undefined
}

/** `SUB` for one queue. A first message follows as a `message` event. */
export async function subscribe(
  channel: CommandChannel,
  queue: RecipientQueue,
  call?: CallOptions,
): Promise<Subscribed> {
  return subscribed("SUB", await ask(channel, recipientRequest(queue, { tag: "SUB" }), call, "SOK", "OK", "MSG"))
}

/** `SUB` for many queues, in as few blocks as fit; outcomes in the order of the queues. */
export function subscribeMany(
  channel: CommandChannel,
  queues: readonly RecipientQueue[],
  call?: CallOptions,
): Promise<Outcome<Subscribed>[]> {
  return inWindows(queues, (some) =>
    askMany(
      channel,
      some.map((queue) => recipientRequest(queue, { tag: "SUB" })),
      call,
      (answer) => subscribed("SUB", answer),
    ),
  )
}

/** `NSUB` for one queue. */
export async function subscribeNotifier(
  channel: CommandChannel,
  queue: NotifierQueue,
  call?: CallOptions,
): Promise<Subscribed> {
  return subscribed("NSUB", await ask(channel, notifierRequest(queue), call, "SOK", "OK"))
}

/** `NSUB` for many queues. */
export function subscribeNotifiers(
  channel: CommandChannel,
  queues: readonly NotifierQueue[],
  call?: CallOptions,
): Promise<Outcome<Subscribed>[]> {
  return inWindows(queues, (some) =>
    askMany(channel, some.map(notifierRequest), call, (answer) => subscribed("NSUB", answer)),
  )
}

/** `SUBS` or `NSUBS`: all queues of the service of this session. */
export async function subscribeService(
  channel: CommandChannel,
  tag: "SUBS" | "NSUBS",
  expected: ServiceCounters,
  call?: CallOptions,
): Promise<ServiceSubscribed> {
  const { counters } = await ask(channel, { command: { tag, expected }, asService: true }, call, "SOKS")
  const actual: ServiceCounters = { count: counters.count, hash: counters.hash.slice() }
  return { actual, difference: difference(expected, actual) }
}

/** The service itself was compared when the answer was matched to the command: its id is the entity of both. */
function difference(expected: ServiceCounters, actual: ServiceCounters): ServiceSubscribed["difference"] {
  const serviceId = NO_ENTITY
  const found = subscriptionDifference({ serviceId, counters: expected }, { serviceId, counters: actual })
  return found === "service" ? undefined : found
}

function notifierRequest(queue: NotifierQueue): Request {
  return { command: { tag: "NSUB" }, entityId: queue.notifierId, key: queue.notifierKey }
}

/** `OK` comes from servers below v16; a `MSG` in place of the confirmation is tolerated and became an event already. */
function subscribed(command: "SUB" | "NSUB", answer: BrokerMessage): Subscribed {
  const { tag, ...rest } = expectAnswer(command, answer, "SOK", "OK", "MSG")
  const serviceId = tag === "SOK" && "serviceId" in rest ? rest.serviceId : undefined
  return { serviceId: serviceId?.slice() }
}

async function inWindows<T, R>(
  items: readonly T[],
  run: (some: readonly T[]) => Promise<Outcome<R>[]>,
): Promise<Outcome<R>[]> {
  const outcomes: Outcome<R>[] = []
  for (let at = 0; at < items.length; at += SUBSCRIPTION_WINDOW)
    outcomes.push(...(await run(items.slice(at, at + SUBSCRIPTION_WINDOW))))
  return outcomes
}
