import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, it } from "vitest"
import { ManualLoop } from "../test/manual-loop.ts"
import { nodeEventLoop, TURN_TIME, Turns } from "./turns.ts"

/** Turns on a clock and a loop of the test, and who ran so far. */
function fixture() {
  const [clock, loop] = [new ManualClock(), new ManualLoop()]
  const ran: string[] = []
  const turns = new Turns(clock, loop)
  /** Work that takes so many milliseconds. */
  const wait = (name: string, milliseconds: number): (() => void) =>
    turns.wait(() => {
      ran.push(name)
      clock.advance(milliseconds)
    })
  /** A turn of the loop; what ran in it. */
  const turn = async (): Promise<string[]> => {
    await loop.turn()
    return ran.splice(0)
  }
  return { clock, loop, ran, turns, wait, turn }
}

describe("turns", () => {
  it("run as much as fits into the time of one, in order, and never at once", async () => {
    const { loop, ran, wait, turn } = fixture()
    for (const name of ["a", "b", "c", "d", "e"]) wait(name, TURN_TIME / 2)
    expect(ran).toEqual([])
    expect([await turn(), await turn(), await turn()]).toEqual([["a", "b"], ["c", "d"], ["e"]])
    expect(loop.awaited).toBe(false)
  })

  it("finish a piece of work that takes longer, one in each turn", async () => {
    const { wait, turn } = fixture()
    wait("a", 10 * TURN_TIME)
    wait("b", 10 * TURN_TIME)
    expect([await turn(), await turn(), await turn()]).toEqual([["a"], ["b"], []])
  })

  it("let what began go on before other work begins", async () => {
    const { clock, ran, turns, wait, turn } = fixture()
    const inParts = async (name: string): Promise<void> => {
      for (let part = 1; part <= 3; part++) {
        if (part > 1) await turns.goOn()
        ran.push(`${name}${part}`)
        clock.advance(TURN_TIME / 2)
      }
    }
    turns.wait(() => void inParts("a"))
    turns.wait(() => void inParts("b"))
    wait("c", 1)
    expect([await turn(), await turn(), await turn()]).toEqual([
      ["a1", "a2"],
      ["a3", "b1"],
      ["b2", "b3"],
    ])
    expect(await turn()).toEqual(["c"])
  })

  it("pass over who left the line", async () => {
    const { wait, turn } = fixture()
    const leaves = ["a", "b", "c"].map((name) => wait(name, TURN_TIME / 4))
    leaves[1]?.()
    expect(await turn()).toEqual(["a", "c"])
    leaves[0]?.()
    expect(await turn()).toEqual([])
  })

  it("give long work a tenth of what everybody else just needed", async () => {
    const { clock, wait, turn } = fixture()
    const piece = TURN_TIME / 4
    for (let i = 0; i < 100; i++) wait(`${i}`, piece)
    expect(await turn()).toHaveLength(4)
    clock.advance(100 * TURN_TIME)
    expect(await turn()).toHaveLength(40)
    expect(await turn()).toHaveLength(4)
  })

  it("don't count the time in which nobody waited", async () => {
    const { clock, wait, turn } = fixture()
    wait("a", TURN_TIME / 4)
    await turn()
    clock.advance(10_000)
    for (let i = 0; i < 100; i++) wait(`${i}`, TURN_TIME / 4)
    expect(await turn()).toHaveLength(4)
  })
})

describe("the event loop", () => {
  it("is settled after all microtasks, and before its next turn", async () => {
    const order: string[] = []
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        nodeEventLoop.nextTurn(() => {
          order.push("next turn")
          resolve()
        })
        nodeEventLoop.settled(() => order.push("settled"))
        void (async () => {
          for (let i = 0; i < 20; i++) await undefined
          order.push("microtasks")
        })()
      })
    })
    expect(order).toEqual(["microtasks", "settled", "next turn"])
  })
})
