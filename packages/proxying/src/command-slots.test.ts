import { describe, expect, it } from "vitest"
import { CommandSlots } from "./command-slots.ts"

const NEVER = new AbortController().signal

/** Commands that end when they are told to. */
class Commands {
  readonly started: number[] = []
  readonly #ends: PromiseWithResolvers<void>[] = []

  command(number: number): () => Promise<number> {
    return async () => {
      this.started.push(number)
      const end = Promise.withResolvers<void>()
      this.#ends[number] = end
      await end.promise
      return number
    }
  }

  end(number: number): void {
    this.#ends[number]?.resolve()
  }

  fail(number: number): void {
    this.#ends[number]?.reject(new Error("failed"))
  }
}

describe("CommandSlots", () => {
  it("starts what there is room for before it returns, the rest in order as others end", async () => {
    const commands = new Commands()
    const slots = new CommandSlots(2)
    const results = [0, 1, 2, 3, 4].map((n) => slots.run(commands.command(n), NEVER))
    expect(commands.started).toEqual([0, 1])
    expect([slots.running, slots.waiting]).toEqual([2, 3])

    commands.end(1)
    expect(await results[1]).toBe(1)
    await Promise.resolve()
    expect(commands.started).toEqual([0, 1, 2])

    commands.end(0)
    commands.end(2)
    await results[2]
    await Promise.resolve()
    expect(commands.started).toEqual([0, 1, 2, 3, 4])
    commands.end(3)
    commands.end(4)
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3, 4])
    expect([slots.running, slots.waiting]).toEqual([0, 0])
  })

  it("gives the place of an ended command to the one that waits, not to one that just comes", async () => {
    const commands = new Commands()
    const slots = new CommandSlots(1)
    const first = slots.run(commands.command(0), NEVER)
    const second = slots.run(commands.command(1), NEVER)
    commands.end(0)
    await first
    const third = slots.run(commands.command(2), NEVER)
    await Promise.resolve()
    expect(commands.started).toEqual([0, 1])
    commands.end(1)
    await second
    await Promise.resolve()
    commands.end(2)
    expect(await third).toBe(2)
    expect(commands.started).toEqual([0, 1, 2])
  })

  it("frees the place of a command that fails", async () => {
    const commands = new Commands()
    const slots = new CommandSlots(1)
    const first = slots.run(commands.command(0), NEVER)
    commands.fail(0)
    await expect(first).rejects.toThrow("failed")
    expect(slots.running).toBe(0)
  })

  it("does not start what was given up while it waited", async () => {
    const commands = new Commands()
    const slots = new CommandSlots(1)
    const gone = new AbortController()
    const first = slots.run(commands.command(0), NEVER)
    const second = slots.run(commands.command(1), gone.signal)
    const third = slots.run(commands.command(2), NEVER)
    gone.abort()
    expect(await second).toBeUndefined()
    expect(await slots.run(commands.command(3), gone.signal)).toBeUndefined()
    expect(slots.waiting).toBe(1)
    commands.end(0)
    await first
    await Promise.resolve()
    commands.end(2)
    await third
    expect(commands.started).toEqual([0, 2])
  })

  it("must have a place", () => {
    expect(() => new CommandSlots(0)).toThrow(RangeError)
    expect(() => new CommandSlots(Number.NaN)).toThrow(RangeError)
  })
})
