import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { QueueStore } from "../../src/queue-store.ts"
import { rid, service } from "../fixtures.ts"
import { expectSame } from "./compare.ts"
import { Driver } from "./driver.ts"
import { groups, type Operation } from "./operations.ts"
import { ReferenceModel } from "./reference-model.ts"

export interface ModelOptions {
  /**
   * Whether operations on different queues take effect in the order of their start as well, which the interface does not
   * promise. Without it only those on one queue are started together. Default true.
   */
  readonly ordersAcrossQueues?: boolean
  /** Default 60. */
  readonly runs?: number
}

/** Expects that a store behaves as the reference model, for any groups of operations. */
export function behavesAsModel(name: string, make: () => Promise<QueueStore>, options: ModelOptions = {}): void {
  const { ordersAcrossQueues = true, runs = 60 } = options
  describe(`${name} behaves as the reference model`, () => {
    let store: QueueStore
    beforeAll(async () => {
      store = await make()
      for (const n of [1, 2, 3]) await store.registerService(service(n))
    })
    afterAll(() => store.close())

    it("for any groups of operations that are started together", async () => {
      await fc.assert(
        fc.asyncProperty(groups, async (operations) => {
          try {
            await expectSameBehaviour(store, operations, ordersAcrossQueues)
          } finally {
            await Promise.all([1, 2, 3, 4].map((n) => store.deleteQueue(rid(n))))
          }
          // Nothing is left behind, and the next run begins with an empty store.
          expect(await store.counts()).toMatchObject({ queues: 0, messages: 0, notifications: 0, services: 3 })
          await expectSame(store, new ReferenceModel())
        }),
        { numRuns: runs, interruptAfterTimeLimit: 20_000 },
      )
    })
  })
}

async function expectSameBehaviour(
  store: QueueStore,
  groupsOfOperations: readonly Operation[][],
  ordersAcrossQueues: boolean,
): Promise<void> {
  const model = new ReferenceModel()
  const driver = new Driver(store)
  for (const group of groupsOfOperations) {
    const expected: string[] = []
    const started: Promise<string>[] = []
    let last: number | undefined
    for (const operation of group) {
      const q = "q" in operation ? operation.q : undefined
      if (!ordersAcrossQueues && (q === undefined || q !== last)) await Promise.all(started)
      last = q
      const resolved = driver.resolve(operation, model)
      expected.push(model.apply(resolved))
      started.push(driver.start(resolved, model.subscriptions))
    }
    expect(await Promise.all(started)).toEqual(expected)
    await expectSame(store, model)
  }
}
