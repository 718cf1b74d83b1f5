import { expect, test } from "vitest"
import { Locks } from "./locks.ts"

test("things of one key happen one after the other, those of others beside them, whatever fails", async () => {
  const locks = new Locks()
  const order: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = locks.run("a", async () => {
    await gate.promise
    order.push("a1")
    throw new Error("no")
  })
  const second = locks.run("a", async () => order.push("a2"))
  await locks.run("b", async () => order.push("b"))
  gate.resolve()
  await expect(first).rejects.toThrow("no")
  await second
  await locks.idle()
  expect(order).toEqual(["b", "a1", "a2"])
})
