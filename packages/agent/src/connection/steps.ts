import type { KeyPair } from "@sluice/crypto/keys"
import type { QueueInfo } from "../protocol/queue-info.ts"
import type { ConnectionRecord, PlannedQueue, ReceiveQueueRecord, SendQueueRecord } from "../store/records.ts"
import { isSecurable } from "./queue-box.ts"

/** What has to be said to a server next; what it answers goes back into the connection. */
export type Step =
  /** `SKEY`. */
  | { readonly type: "secure-send"; readonly queue: SendQueueRecord; readonly keys: KeyPair<"ed25519"> }
  /** `NEW`. */
  | { readonly type: "create"; readonly planned: PlannedQueue; readonly subscribe: boolean }
  /** The request to a contact address. */
  | { readonly type: "request"; readonly address: QueueInfo }
  /** `KEY`. */
  | { readonly type: "secure-receive"; readonly queue: ReceiveQueueRecord }
  /** `DEL`. */
  | { readonly type: "delete"; readonly queue: ReceiveQueueRecord }

/**
 * The next step of a connection, or `undefined` if there is nothing to do. It follows from the state alone: whoever starts
 * again after a crash goes on where it was.
 */
export function nextStep(record: ConnectionRecord): Step | undefined {
  const { sendQueues, receiveQueues, planned, setup, deleted } = record
  if (deleted === undefined) {
    const unsecured = sendQueues.find(needsSecuring)
    if (unsecured !== undefined) return { type: "secure-send", queue: unsecured, keys: unsecured.senderKeys }
    if (planned !== undefined) return { type: "create", planned, subscribe: setup?.onlyCreate !== true }
    if (setup?.type === "request") return { type: "request", address: setup.address }
    const toSecure = receiveQueues.find((queue) => queue.toSecure !== undefined)
    if (toSecure !== undefined) return { type: "secure-receive", queue: toSecure }
  }
  const toDelete = receiveQueues.find(({ deleting }) => deleting !== undefined)
  return toDelete && { type: "delete", queue: toDelete }
}

/** A queue of rotation is secured by its recipient, with a key that travels in a message. */
function needsSecuring(queue: SendQueueRecord): boolean {
  return queue.status === "new" && isSecurable(queue) && queue.replaces === undefined
}

/** Whether messages can be delivered to this queue now: a confirmation waits until all keys are where they belong. */
export function canDeliver(record: ConnectionRecord, queue: SendQueueRecord, confirmation: boolean): boolean {
  if (needsSecuring(queue)) return false
  return !confirmation || !record.receiveQueues.some(({ toSecure }) => toSecure !== undefined)
}
