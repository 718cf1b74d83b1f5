import { describe, expect, it } from "vitest"
import { queueOf } from "../test/sample-queue.ts"
import { replay } from "./queue-replay.ts"
import type { QueueChange } from "./store-log-record.ts"

const queue = queueOf(1)
const { recipientId } = queue
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte)
const data = { fixedData: filled(3, 1), userData: filled(3, 2) }
const linkId = filled(24, 7)
const notifier = { notifierId: filled(24, 8), key: filled(44, 1), dhSecret: filled(32, 2) }
const serviceId = filled(24, 9)

type Change = Exclude<QueueChange, { tag: "DELETE" }>

describe("replay", () => {
  it.each<[string, Change, object]>([
    ["SECURE", { tag: "SECURE", recipientId, senderKey: filled(44, 5) }, { senderKey: filled(44, 5) }],
    ["KEYS", { tag: "KEYS", recipientId, recipientKeys: [filled(44, 6)] }, { recipientKeys: [filled(44, 6)] }],
    ["LINK", { tag: "LINK", recipientId, linkId, linkData: data }, { linkId, linkData: data }],
    ["NOTIFIER", { tag: "NOTIFIER", recipientId, notifier }, { notifier }],
    ["SUSPEND", { tag: "SUSPEND", recipientId }, { status: { tag: "off" } }],
    [
      "BLOCK",
      { tag: "BLOCK", recipientId, info: { reason: "spam" } },
      { status: { tag: "blocked", info: { reason: "spam" } } },
    ],
    ["TIME", { tag: "TIME", recipientId, updatedAt: 86_400 }, { updatedAt: 86_400 }],
    ["QUEUE_SERVICE", { tag: "QUEUE_SERVICE", recipientId, kind: "messages", serviceId }, { rcvServiceId: serviceId }],
    ["LDELETE without link", { tag: "LDELETE", recipientId }, {}],
    ["NDELETE without notifier", { tag: "NDELETE", recipientId }, {}],
    ["UNBLOCK", { tag: "UNBLOCK", recipientId }, {}],
  ])("%s", (_, change, expected) => {
    expect(replay(queue, change)).toEqual({ queue: { ...queue, ...expected } })
  })

  it.each<[string, object, Change]>([
    ["LDELETE", { linkId, linkData: data }, { tag: "LDELETE", recipientId }],
    ["NDELETE", { notifier }, { tag: "NDELETE", recipientId }],
    ["UNBLOCK of a suspended queue", { status: { tag: "off" } }, { tag: "UNBLOCK", recipientId }],
    ["the end of an association", { rcvServiceId: serviceId }, { tag: "QUEUE_SERVICE", recipientId, kind: "messages" }],
  ])("%s undoes", (_, more, change) => {
    expect(replay({ ...queue, ...more }, change)).toEqual({ queue })
  })

  it("a suspended queue that is blocked, also twice, stays suspended beneath", () => {
    const block = { tag: "BLOCK", recipientId, info: { reason: "spam" } } as const
    const status = { tag: "blocked", info: block.info, suspended: true } as const
    expect(replay({ ...queue, status: { tag: "off" } }, block)).toEqual({ queue: { ...queue, status } })
    expect(replay({ ...queue, status }, block)).toEqual({ queue: { ...queue, status } })
  })

  it("associates the notifier, and ends that", () => {
    const change = { tag: "QUEUE_SERVICE", recipientId, kind: "notifications" } as const
    const associated = { ...queue, notifier: { ...notifier, serviceId } }
    expect(replay({ ...queue, notifier }, { ...change, serviceId })).toEqual({ queue: associated })
    expect(replay(associated, change)).toEqual({ queue: { ...queue, notifier } })
  })

  it("takes the same key and the same fixed data again", () => {
    const secured = { ...queue, senderKey: filled(44, 5) }
    expect(replay(secured, { tag: "SECURE", recipientId, senderKey: filled(44, 5) })).toEqual({ queue: secured })
    const userData = filled(9, 9)
    const link = { linkId, linkData: { ...data, userData } }
    expect(replay({ ...queue, linkId, linkData: data }, { tag: "LINK", recipientId, ...link })).toEqual({
      queue: { ...queue, ...link },
    })
  })

  it.each<[string, object, Change]>([
    ["another sender key", { senderKey: filled(44, 5) }, { tag: "SECURE", recipientId, senderKey: filled(44, 6) }],
    [
      "another link ID",
      { linkId, linkData: data },
      { tag: "LINK", recipientId, linkId: filled(24, 1), linkData: data },
    ],
    [
      "other fixed data",
      { linkId, linkData: data },
      { tag: "LINK", recipientId, linkId, linkData: { ...data, fixedData: filled(1, 1) } },
    ],
    [
      "a notification service without notifier",
      {},
      { tag: "QUEUE_SERVICE", recipientId, kind: "notifications", serviceId },
    ],
  ])("%s does not fit", (_, more, change) => {
    expect(replay({ ...queue, ...more }, change)).toHaveProperty("misfit")
  })
})
