import { describe, expect, it } from "vitest"
import { Slots } from "./slots.ts"

describe("slots", () => {
  it("let a number of tasks run, others wait in order, and refuse what is beyond the line", async () => {
    const slots = new Slots(2, 1)
    const begun: string[] = []
    const ends: (() => void)[] = []
    const task = (name: string) => (): Promise<string> => {
      begun.push(name)
      return new Promise((resolve) => ends.push(() => resolve(name)))
    }
    const [a, b, c] = [slots.run(task("a")), slots.run(task("b")), slots.run(task("c"))]
    expect(slots.run(task("d"))).toBeUndefined()
    expect([begun, slots.running, slots.waiting]).toEqual([["a", "b"], 2, 1])
    ends[0]?.()
    expect(await a).toBe("a")
    expect(begun).toEqual(["a", "b", "c"])
    for (const end of ends) end()
    expect([await b, await c]).toEqual(["b", "c"])
    expect([slots.running, slots.waiting]).toEqual([0, 0])
  })

  it("are free again after a failure", async () => {
    const slots = new Slots(1, 5)
    const failing = slots.run(() => Promise.reject(new Error("no")))
    const next = slots.run(() => Promise.resolve("yes"))
    await expect(failing).rejects.toThrow("no")
    expect(await next).toBe("yes")
  })
})
