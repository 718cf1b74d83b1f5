import { expect, it } from "vitest"
import { ManySubscriptions } from "../support/many-subscriptions.ts"

const COUNT = 3000

/** The same with 100,000 is `node test/notifications/measure.ts`; figures of it are in docs/notifications.md. */
it("subscribes thousands of queues again after a restart, one by one and then as a service", async () => {
  await using many = await ManySubscriptions.make(COUNT)
  const took = [await many.resubscribe(false)]
  // Now they get associated, so that the next start needs a single command.
  took.push(await many.resubscribe(true), await many.resubscribe(true))
  for (const { seconds, memoryMiB, oneByOne } of took) {
    console.log(
      `${COUNT} subscriptions, ${oneByOne} by themselves: ${seconds.toFixed(2)} s, ${memoryMiB.toFixed(0)} MiB more`,
    )
    // What 100,000 may need.
    expect(seconds).toBeLessThan(60)
    expect(memoryMiB).toBeLessThan(512)
  }
  expect(took.map(({ oneByOne }) => oneByOne)).toEqual([COUNT, COUNT, 0])
})
