import type { Client } from "./client.ts"
import type { RelayContext } from "./context.ts"

/** What a connection is for; each counts once, as the first of these that fits. */
export type SessionKind =
  /** It presented the certificate of a service for messages or notifications. */
  | "service"
  /** It forwards commands of others, or presented the certificate of a proxy. */
  | "proxy"
  /** It subscribed to notifications. */
  | "notifier"
  /** It subscribed to messages. */
  | "messaging"
  /** None of these: it sends, reads by GET, or does nothing. */
  | "other"

/** Present connections and subscriptions. Numbers only: no addresses, no IDs. */
export interface SessionCounts {
  readonly sessions: Readonly<Record<SessionKind | "total", number>>
  readonly subscriptions: {
    /** Queues with a subscriber of their own, services with one, and the queues of those. */
    readonly messages: { readonly queues: number; readonly services: number; readonly serviceQueues: number }
    readonly notifications: { readonly queues: number; readonly services: number; readonly serviceQueues: number }
  }
}

/** Looks at every connection once. */
export function countSessions({ clients, delivery, notifications, services }: RelayContext): SessionCounts {
  const sessions = { total: clients.size, service: 0, proxy: 0, notifier: 0, messaging: 0, other: 0 }
  for (const client of clients) sessions[kindOf(client)]++
  const messages = services.totals("messages")
  const notified = services.totals("notifications")
  return {
    sessions,
    subscriptions: {
      messages: { queues: delivery.subscribed, services: messages.services, serviceQueues: messages.queues },
      notifications: { queues: notifications.subscribed, services: notified.services, serviceQueues: notified.queues },
    },
  }
}

function kindOf(client: Client): SessionKind {
  const role = client.connection.service?.role
  if (client.forwards || role === "P") return "proxy"
  if (role !== undefined) return "service"
  if (client.notifiers.size > 0) return "notifier"
  return client.subscriptionCount > 0 ? "messaging" : "other"
}
