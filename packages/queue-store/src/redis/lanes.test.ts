import { setImmediate } from "node:timers/promises"
import { expect, it } from "vitest"
import { Lanes } from "./lanes.ts"

it("runs what belongs to one key in order, also after a failure, and other keys at once", async () => {
  const lanes = new Lanes()
  const events: string[] = []
  const task =
    (name: string, turns: number, fails = false) =>
    async () => {
      events.push(`${name} begins`)
      for (let i = 0; i < turns; i++) await setImmediate()
      events.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    }
  const results = await Promise.allSettled([
    lanes.run("a", task("a1", 3)),
    lanes.run("a", task("a2", 1, true)),
    lanes.run("b", task("b1", 1)),
    lanes.run("a", task("a3", 0)),
  ])
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"])
  expect(events).toEqual([
    ...["a1 begins", "b1 begins", "b1 ends", "a1 ends", "a2 begins", "a2 ends", "a3 begins", "a3 ends"],
  ])
  expect(await lanes.run("a", task("a4", 0))).toBe("a4")
})
