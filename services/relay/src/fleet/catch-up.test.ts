import { setImmediate } from "node:timers/promises"
import { Metrics } from "@sluice/ops/metrics"
import { StoreError } from "@sluice/queue-store/store-error"
import { beforeEach, describe, expect, it, vi } from "vitest"
import { message, queue } from "../../../../packages/queue-store/test/fixtures.ts"
import { type CoreFixture, connect, coreFixture, type FakeClient, subscribe } from "../../test/core-fixture.ts"
import { CatchUp } from "./catch-up.ts"

const QUEUES = 300
const failure = new StoreError({ code: "STORE_UNAVAILABLE", operation: "acknowledge" })

let core: CoreFixture
let client: FakeClient
let catchUp: CatchUp
const repeeked = new Metrics().register.counter({ name: "repeeked_total", help: "test" })
const errors: unknown[] = []
beforeEach(async () => {
  core = coreFixture()
  client = connect(core.relay)
  for (let n = 1; n <= QUEUES; n++) {
    await core.store.createQueue(queue(n))
    await subscribe(core.relay, client.client, queue(n))
  }
  repeeked.value = 0
  errors.length = 0
  catchUp = new CatchUp(core.relay, repeeked, (error) => errors.push(error))
})

/** Lets everything happen that needs no time. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate()
}

const tags = (): string[] => client.sent.map(({ message: sent }) => sent.tag)

describe("after something may have been missed", () => {
  it("all subscriptions are compared with the store, in batches with pauses", async () => {
    await core.store.enqueue(queue(QUEUES).recipientId, message(1), { quota: 9 })
    await core.store.subscribe([{ recipientId: queue(1).recipientId }], "another")
    await core.store.deleteQueue(queue(2).recipientId)
    catchUp.request("everything")
    await settled()
    expect(repeeked.value).toBe(128)
    for (let i = 0; i < 2; i++) {
      core.clock.advance(25)
      await settled()
    }
    await catchUp.idle()
    expect(repeeked.value).toBe(QUEUES)
    core.relay.events.flush()
    expect(tags().toSorted()).toEqual(["DELD", "DELIVER", "END"])
  })

  it("idle subscriptions alone are read when only hints were missed", async () => {
    const delivered = queue(7)
    await core.store.enqueue(delivered.recipientId, message(1), { quota: 9 })
    await subscribe(core.relay, client.client, delivered)
    catchUp.request("hints")
    for (let i = 0; i < 3; i++) {
      await settled()
      core.clock.advance(25)
    }
    await catchUp.idle()
    expect(repeeked.value).toBe(QUEUES - 1)
  })

  it("a failure of the store makes it try again, later and later", async () => {
    const acknowledge = vi.spyOn(core.store, "acknowledge").mockRejectedValue(failure)
    catchUp.request("everything")
    await settled()
    expect(errors).toEqual([failure])
    core.clock.advance(250)
    await settled()
    expect(errors).toEqual([failure, failure])
    core.clock.advance(499)
    await settled()
    expect(errors).toHaveLength(2)
    acknowledge.mockRestore()
    core.clock.advance(1)
    for (let i = 0; i < 3; i++) {
      await settled()
      core.clock.advance(25)
    }
    await catchUp.idle()
    expect(errors).toHaveLength(2)
  })

  it("what is asked for meanwhile makes one more round", async () => {
    catchUp.request("hints")
    catchUp.request("everything")
    catchUp.request("hints")
    for (let i = 0; i < 6; i++) {
      await settled()
      core.clock.advance(25)
    }
    await catchUp.idle()
    expect(repeeked.value).toBe(2 * QUEUES)
  })

  it("nothing goes on after the end", async () => {
    catchUp.request("everything")
    await settled()
    catchUp.stop()
    core.clock.advance(1000)
    await catchUp.idle()
    catchUp.request("everything")
    await settled()
    expect(repeeked.value).toBe(128)
    expect(errors).toEqual([])
  })
})
