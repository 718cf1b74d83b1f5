import { describe, expect, it } from "vitest"
import { message, queue, rid } from "../../test/fixtures.ts"
import { StoreError } from "../store-error.ts"
import { createMemoryStore } from "./memory-store.ts"

describe("the memory store", () => {
  it("changes nothing when an operation fails half way", async () => {
    const store = createMemoryStore()
    await store.createQueue(queue(1))
    const messages = [message(1)]
    await store.importQueues([{ queue: queue(1), messages }])
    const before = await store.counts()
    const impossible = { queue: { ...queue(3), rcvDhSecret: new Uint8Array(1) } }
    const failed = store.importQueues([{ queue: queue(1) }, { queue: queue(2), messages }, impossible])
    await expect(failed).rejects.toBeInstanceOf(StoreError)
    expect(await store.counts()).toEqual(before)
    expect((await store.queues({ limit: 9 })).queues).toEqual([queue(1)])
    expect(await store.messages(rid(1))).toEqual(messages)
    expect(await store.queueBySender(queue(2).senderId)).toBeUndefined()
  })

  it("is closed by `await using`", async () => {
    const store = createMemoryStore()
    {
      await using used = store
      await used.createQueue(queue(1))
    }
    await expect(store.counts()).rejects.toMatchObject({ problem: { code: "STORE_CLOSED" } })
  })
})
