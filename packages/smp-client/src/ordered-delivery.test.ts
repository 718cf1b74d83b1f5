import { setImmediate as turn } from "node:timers/promises"
import { expect, test } from "vitest"
import { OrderedDelivery } from "./ordered-delivery.ts"

/** A caller that gets to its result through several async functions. */
async function deep<T>(promise: Promise<T>, levels: number): Promise<T> {
  return levels === 0 ? await promise : await deep(promise, levels - 1)
}

test("an event without a response before it is delivered at once", () => {
  const delivery = new OrderedDelivery()
  const seen: string[] = []
  delivery.event(() => seen.push("a"))
  delivery.event(() => seen.push("b"))
  expect(seen).toEqual(["a", "b"])
})

test("who awaits a response runs before the event behind it, however deep", async () => {
  const delivery = new OrderedDelivery()
  const seen: string[] = []
  const { promise, resolve } = Promise.withResolvers<string>()
  const caller = deep(promise, 50).then((value) => seen.push(value))
  delivery.response(() => resolve("response"))
  delivery.event(() => seen.push("event"))
  expect(seen).toEqual([])
  await caller
  await turn()
  expect(seen).toEqual(["response", "event"])
})

test("responses and events keep their order, also over several turns", async () => {
  const delivery = new OrderedDelivery()
  const seen: string[] = []
  const callers: Promise<unknown>[] = []
  const respond = (name: string): void => {
    const { promise, resolve } = Promise.withResolvers<string>()
    callers.push(deep(promise, 20).then((value) => seen.push(value)))
    delivery.response(() => resolve(name))
  }
  respond("r1")
  respond("r2")
  delivery.event(() => seen.push("e1"))
  respond("r3")
  delivery.event(() => seen.push("e2"))
  delivery.event(() => seen.push("e3"))
  await turn()
  respond("r4")
  delivery.event(() => seen.push("e4"))
  await Promise.all(callers)
  await turn()
  await turn()
  expect(seen).toEqual(["r1", "r2", "e1", "r3", "e2", "e3", "r4", "e4"])
})
