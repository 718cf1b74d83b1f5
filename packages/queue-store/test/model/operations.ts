import fc from "fast-check"
import type { QueueMode, QueueStatus } from "../../src/records.ts"

/**
 * Operations of the property test, named by small numbers: `q` a queue, `m` a message, `k` a key, `l` a link, `s` a
 * service, `x` a notifier. Small ranges make them meet each other.
 */
export type Operation =
  | {
      readonly tag: "create"
      readonly q: number
      readonly mode: QueueMode | "none"
      readonly l: number
      readonly x: number
      readonly s: number
      readonly subscribe: boolean
    }
  | { readonly tag: "secure"; readonly q: number; readonly k: number; readonly by: "recipient" | "sender" | "link" }
  | { readonly tag: "recipientKeys"; readonly q: number; readonly k: number }
  | { readonly tag: "setLink"; readonly q: number; readonly l: number; readonly fixed: number; readonly user: number }
  | { readonly tag: "deleteLink"; readonly q: number }
  | { readonly tag: "setNotifier"; readonly q: number; readonly x: number }
  | { readonly tag: "deleteNotifier"; readonly q: number }
  | { readonly tag: "associate"; readonly x: number; readonly s: number }
  | { readonly tag: "status"; readonly q: number; readonly status: QueueStatus["tag"] }
  | { readonly tag: "delete"; readonly q: number }
  | { readonly tag: "subscribe"; readonly q: number; readonly s: number }
  | { readonly tag: "unsubscribe"; readonly q: number }
  | {
      readonly tag: "enqueue"
      readonly q: number
      readonly m: number
      readonly time: number
      readonly quota: number
      readonly before: number
      readonly x: number
    }
  | {
      readonly tag: "acknowledge"
      readonly q: number
      readonly m: number
      readonly as: "head" | "message"
      readonly owned: boolean
    }
  | { readonly tag: "removeNotifications"; readonly x: number }
  | { readonly tag: "expireMessages"; readonly before: number }
  | { readonly tag: "expireNotifications"; readonly before: number }

/**
 * An operation as it is started: an acknowledgement names a message, and an owner by the number of its subscription,
 * counted over all that were ever made.
 */
export type Started =
  | Exclude<Operation, { tag: "acknowledge" | "unsubscribe" }>
  | { readonly tag: "acknowledge"; readonly q: number; readonly m: number; readonly owner: number | undefined }
  | { readonly tag: "unsubscribe"; readonly q: number; readonly owner: number | undefined }

/** 0 stands for "none" where that is possible. */
const q = fc.integer({ min: 1, max: 4 })
const optional = fc.integer({ min: 0, max: 3 })
const some = fc.integer({ min: 1, max: 3 })
const time = fc.integer({ min: 0, max: 6 })

const tag = <T extends string>(name: T) => fc.constant(name)

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      tag: tag("create"),
      q,
      mode: fc.constantFrom("messaging", "messaging", "contact", "none"),
      l: optional,
      x: optional,
      s: optional,
      subscribe: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ tag: tag("secure"), q, k: some, by: fc.constantFrom("recipient", "sender", "link") }),
  },
  { weight: 1, arbitrary: fc.record({ tag: tag("recipientKeys"), q, k: some }) },
  { weight: 2, arbitrary: fc.record({ tag: tag("setLink"), q, l: some, fixed: some, user: some }) },
  { weight: 1, arbitrary: fc.record({ tag: tag("deleteLink"), q }) },
  { weight: 2, arbitrary: fc.record({ tag: tag("setNotifier"), q, x: some }) },
  { weight: 1, arbitrary: fc.record({ tag: tag("deleteNotifier"), q }) },
  { weight: 1, arbitrary: fc.record({ tag: tag("associate"), x: some, s: optional }) },
  {
    weight: 1,
    arbitrary: fc.record({ tag: tag("status"), q, status: fc.constantFrom("active", "active", "off", "blocked") }),
  },
  { weight: 1, arbitrary: fc.record({ tag: tag("delete"), q }) },
  { weight: 3, arbitrary: fc.record({ tag: tag("subscribe"), q, s: optional }) },
  { weight: 1, arbitrary: fc.record({ tag: tag("unsubscribe"), q }) },
  {
    weight: 12,
    arbitrary: fc.record({
      tag: tag("enqueue"),
      q,
      m: fc.integer({ min: 1, max: 9 }),
      time,
      quota: some,
      before: time,
      x: optional,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      tag: tag("acknowledge"),
      q,
      m: fc.integer({ min: 1, max: 9 }),
      as: fc.constantFrom("head", "head", "message"),
      owned: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ tag: tag("removeNotifications"), x: some }) },
  { weight: 1, arbitrary: fc.record({ tag: tag("expireMessages"), before: time }) },
  { weight: 1, arbitrary: fc.record({ tag: tag("expireNotifications"), before: time }) },
)

/** Groups of operations that are started together, one group after the other. */
export const groups: fc.Arbitrary<Operation[][]> = fc.array(fc.array(operation, { minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 8,
})
