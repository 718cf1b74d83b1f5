import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { expectAnswer } from "./answer.ts"
import { SmpClientError } from "./client-error.ts"
import type { SmpConnection } from "./connection.ts"
import type { Request } from "./request.ts"
import type { Subscription, SubscriptionRegistry } from "./subscription-registry.ts"
import { SUBSCRIPTION_WINDOW } from "./subscriptions.ts"

/** How many subscriptions were made again, and how many of them failed. */
export interface Resubscribed {
  readonly count: number
  readonly failed: number
}

/** What could not be subscribed again: a queue or notifier, or (absent) the whole service of the session. */
export type OnFailed = (error: SmpClientError, subscription: Subscription | undefined) => void

/**
 * Makes on a new connection all subscriptions of before. What the server refuses for good is forgotten. What fails
 * because this connection is lost, too, is not reported: the next one will try again.
 */
export async function resubscribe(
  connection: SmpConnection,
  registry: SubscriptionRegistry,
  onFailed: OnFailed,
): Promise<Resubscribed> {
  const services = registry.services()
  const entities = registry.entities()
  let failed = 0
  const send = async (
    request: Request,
    answer: Promise<BrokerMessage>,
    of: Subscription | undefined,
  ): Promise<void> => {
    try {
      const message = await answer
      expectAnswer(request.command.tag, message, "SOK", "OK", "MSG", "SOKS")
      registry.answered(request, message)
    } catch (error) {
      failed++
      if (!(error instanceof SmpClientError)) throw error
      if (!connection.open) return
      if (of !== undefined && error.answer !== undefined && !error.retryable) registry.remove(of.entityId)
      onFailed(error, of)
    }
  }
  await Promise.all(connection.send(services).map((answer, i) => send(services[i] as Request, answer, undefined)))
  for (let at = 0; at < entities.length; at += SUBSCRIPTION_WINDOW) {
    const some = entities.slice(at, at + SUBSCRIPTION_WINDOW)
    const requests = some.map(({ request }) => request)
    await Promise.all(connection.send(requests).map((answer, i) => send(requests[i] as Request, answer, some[i])))
  }
  return { count: services.length + entities.length, failed }
}
