import { describe, expect, it } from "vitest"
import { key, nid, queue, rid, secret, sid } from "../../test/fixtures.ts"
import { RememberedQueues } from "./remembered-queues.ts"

describe("remembered queues", () => {
  it("are found by both IDs, and keep a copy", () => {
    const remembered = new RememberedQueues(2)
    const notifier = { notifierId: nid(1), key: key(3), dhSecret: secret(4), serviceId: nid(2) }
    const record = queue(1, { senderKey: key(2), linkId: sid(9), rcvServiceId: sid(8), notifier })
    const copy = structuredClone(record)
    remembered.set({ queue: record, revision: "7" })
    record.recipientKeys[0]?.fill(0)
    expect(remembered.get("recipient", rid(1))).toEqual({ queue: copy, revision: "7" })
    expect(remembered.get("sender", sid(1))).toBe(remembered.get("recipient", rid(1)))
    expect(remembered.get("sender", rid(1))).toBeUndefined()
  })

  it("are as many as there is room for, those that were used last", () => {
    const remembered = new RememberedQueues(2)
    for (const n of [1, 2]) remembered.set({ queue: queue(n), revision: "1" })
    expect(remembered.get("sender", sid(1))).toBeDefined()
    remembered.set({ queue: queue(3), revision: "1" })
    expect([1, 2, 3].map((n) => remembered.get("recipient", rid(n)) !== undefined)).toEqual([true, false, true])
    expect([1, 2, 3].map((n) => remembered.get("sender", sid(n)) !== undefined)).toEqual([true, false, true])
  })

  it("are forgotten when they are known to be others", () => {
    const remembered = new RememberedQueues(9)
    for (const n of [1, 2, 3]) remembered.set({ queue: queue(n), revision: "1" })
    remembered.forget(rid(1))
    remembered.keepOnly(rid(2), "1")
    remembered.keepOnly(rid(3), "2")
    for (const n of [4, 5]) remembered.keepOnly(rid(n), undefined)
    expect([1, 2, 3].map((n) => remembered.get("sender", sid(n)) !== undefined)).toEqual([false, true, false])
    remembered.keepOnly(rid(2), undefined)
    expect(remembered.get("recipient", rid(2))).toBeUndefined()
  })

  it("have not many keys", () => {
    const remembered = new RememberedQueues(9)
    remembered.set({
      queue: queue(1, { recipientKeys: Array.from({ length: 255 }, (_, n) => key(n % 100)) }),
      revision: "1",
    })
    expect(remembered.get("recipient", rid(1))).toBeUndefined()
  })
})
