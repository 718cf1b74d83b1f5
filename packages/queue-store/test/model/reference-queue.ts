import type { QueueMode, QueueStatus } from "../../src/records.ts"

/** A queue of the reference model, as plain as can be: names of things are numbers. */
export interface ReferenceQueue {
  readonly q: number
  readonly mode: QueueMode | "none"
  recipientKey: number
  senderKey: number | undefined
  link: { readonly l: number; readonly fixed: number; readonly user: number } | undefined
  notifier: { readonly x: number; readonly s: number } | undefined
  /** Message service, 0 for none. */
  s: number
  status: QueueStatus["tag"]
  items: Item[]
  canWrite: boolean
  /** Position of the subscription among all that were ever made; the store's epochs grow in the same order. */
  owner: number | undefined
}

export interface Item {
  readonly kind: "message" | "quota"
  readonly m: number
  readonly time: number
}

/** The algorithm of smp.md §5, word by word. */
export function sendTo(queue: ReferenceQueue, item: Item, quota: number): "stored" | "marker" | "refused" {
  if (!queue.canWrite && queue.items.length > 0) return "refused"
  queue.canWrite = queue.items.length < quota
  queue.items.push(queue.canWrite ? item : { ...item, kind: "quota" })
  return queue.canWrite ? "stored" : "marker"
}

/** Removes old messages from the head; a marker stops it. */
export function expireFrom(queue: ReferenceQueue, before: number): number {
  let expired = 0
  for (let head = queue.items[0]; head?.kind === "message" && head.time < before; head = queue.items[0]) {
    queue.items.shift()
    expired++
  }
  return expired
}
