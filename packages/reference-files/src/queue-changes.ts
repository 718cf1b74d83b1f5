import type { LoggedQueue } from "./store-log-record.ts"

/** The queue without link ID and data. */
export function withoutLink(queue: LoggedQueue): LoggedQueue {
  const { linkId: _id, linkData: _data, ...rest } = queue
  return rest
}

/** The queue without its notifier. */
export function withoutNotifier(queue: LoggedQueue): LoggedQueue {
  const { notifier: _, ...rest } = queue
  return rest
}

/** The queue without, or with another, service for messages. */
export function withMessageService(queue: LoggedQueue, serviceId: Uint8Array | undefined): LoggedQueue {
  const { rcvServiceId: _, ...rest } = queue
  return serviceId === undefined ? rest : { ...rest, rcvServiceId: serviceId }
}

/** The queue without, or with another, service for notifications; without a notifier it is the same. */
export function withNotifierService(queue: LoggedQueue, serviceId: Uint8Array | undefined): LoggedQueue {
  if (queue.notifier === undefined) return queue
  const { serviceId: _, ...notifier } = queue.notifier
  return { ...queue, notifier: serviceId === undefined ? notifier : { ...notifier, serviceId } }
}
