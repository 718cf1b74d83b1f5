import { expect, it } from "vitest"
import { ManySubscriptions } from "../support/many-subscriptions.ts"

const COUNT = 3000

/** The same with 100,000 is `node test/notifications/measure.ts`; figures of it are in docs/notifications.md. */
it("subscribes thousands of queues again after a restart, one by one and then as a service", async () => {
  await using many = await ManySubscriptions.make(COUNT)
  expect(await many.resubscribe(false)).toMatchObject({ subscriptions: COUNT, oneByOne: COUNT })
  // Now they get associated, so that the next start needs a single command.
  expect(await many.resubscribe(true)).toMatchObject({ oneByOne: COUNT })
  expect(await many.resubscribe(true)).toMatchObject({ oneByOne: 0 })
})
