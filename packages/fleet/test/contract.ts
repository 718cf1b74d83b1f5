import { utf8 } from "@sluice/encoding/bytes"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { type LinkHandler, MAX_PAYLOAD, type NodeLink } from "../src/node-link.ts"

/** What a link needs to be tested: a fleet of its own for each test, and what can happen to its nodes. */
export interface LinkWorld extends AsyncDisposable {
  /** A node that was not there before. */
  link(node: string): NodeLink
  /** Ends a node without its doing, as a killed process. */
  kill(node: string): Promise<void>
  /** Cuts the channel of a node for a moment that is shorter than a lease. */
  interrupt(node: string): Promise<void>
  /** Lets a node stand still for longer than a lease, then go on. */
  stall(node: string): Promise<void>
}

/** What a node heard, in order. */
class Ears implements LinkHandler {
  readonly heard: string[] = []

  received(payload: Uint8Array): void {
    this.heard.push(payload.length > 40 ? `${payload.length} bytes` : new TextDecoder().decode(payload))
  }

  interrupted(): void {
    this.heard.push("interrupted")
  }

  joined(node: string): void {
    this.heard.push(`joined ${node}`)
  }

  ended(node: string): void {
    this.heard.push(`ended ${node}`)
  }

  leaseLost(): void {
    this.heard.push("lease lost")
  }

  /** Resolves when this was heard; what was heard before it stays. */
  async hears(what: string): Promise<void> {
    await vi.waitFor(() => expect(this.heard).toContain(what), { timeout: 10_000, interval: 5 })
  }
}

/** What every link must do. */
export function linkContract(name: string, make: () => Promise<LinkWorld>): void {
  describe(`${name}: contract of the link between nodes`, () => {
    let world: LinkWorld
    const links: NodeLink[] = []
    beforeEach(async () => {
      world = await make()
    })
    afterEach(async () => {
      await Promise.all(links.splice(0).map((link) => link.stop()))
      await world[Symbol.asyncDispose]()
    })

    async function start(node: string): Promise<{ link: NodeLink; ears: Ears }> {
      const link = world.link(node)
      const ears = new Ears()
      links.push(link)
      await link.start(ears)
      return { link, ears }
    }

    async function two(): Promise<{ a: NodeLink; b: NodeLink; atA: Ears; atB: Ears }> {
      const { link: a, ears: atA } = await start("a")
      const { link: b, ears: atB } = await start("b")
      await Promise.all([atA.hears("joined b"), atB.hears("joined a")])
      return { a, b, atA, atB }
    }

    it("holds a lease from the start to the end", async () => {
      const { link } = await start("a")
      expect(link.holdsLease()).toBe(true)
      expect([...link.others]).toEqual([])
      await link.stop()
      expect(link.holdsLease()).toBe(false)
    })

    it("knows the others, those that come and those that leave", async () => {
      const { a, b, atA } = await two()
      expect([[...a.others], [...b.others]]).toEqual([["b"], ["a"]])
      await b.stop()
      await atA.hears("ended b")
      expect([...a.others]).toEqual([])
    })

    it("brings payloads to one node, in order", async () => {
      const { a, atA, atB } = await two()
      const { ears: atC } = await start("c")
      for (const text of ["1", "2", "3"]) await a.publish("b", utf8(text))
      await a.publish("c", utf8("end"))
      await Promise.all([atB.hears("3"), atC.hears("end")])
      expect(atB.heard.filter((text) => /^\d$/.test(text))).toEqual(["1", "2", "3"])
      expect([...atA.heard, ...atC.heard]).not.toContain("1")
    })

    it("brings payloads to all others, not back to the sender", async () => {
      const { a, b, atA, atB } = await two()
      const { ears: atC } = await start("c")
      await atA.hears("joined c")
      await a.broadcast(utf8("all"))
      await b.publish("a", utf8("end"))
      await Promise.all([atB.hears("all"), atC.hears("all"), atA.hears("end")])
      expect(atA.heard).not.toContain("all")
    })

    it("takes the longest payload", async () => {
      const { a, atB } = await two()
      await a.publish("b", new Uint8Array(MAX_PAYLOAD))
      await atB.hears(`${MAX_PAYLOAD} bytes`)
    })

    it("publishes to a node that is gone without a fault", async () => {
      const { a } = await two()
      await a.publish("nobody", utf8("?"))
      await world.kill("b")
      await a.publish("b", utf8("?"))
    })

    it("gives orders that grow, whoever asks", async () => {
      const { a, b } = await two()
      const orders: number[] = []
      for (const link of [a, b, b, a, b]) orders.push(await link.nextOrder())
      expect(orders).toEqual(orders.toSorted((x, y) => x - y))
      expect(new Set(orders).size).toBe(5)
      const together = await Promise.all([a, b, a, b].map((link) => link.nextOrder()))
      expect(new Set([...orders, ...together]).size).toBe(9)
    })

    it("ends the lease of a node that was killed", async () => {
      const { a, atA } = await two()
      await world.kill("b")
      await atA.hears("ended b")
      expect([...a.others]).toEqual([])
    })

    it("tells a node that its channel was cut", async () => {
      const { a, b, atB } = await two()
      await world.interrupt("b")
      await vi.waitFor(
        () => expect(atB.heard.some((t) => t === "interrupted" || t === "lease lost")).toBe(true),
        10_000,
      )
      await vi.waitFor(() => a.publish("b", utf8("after")), 10_000)
      await atB.hears("after")
      expect(b.holdsLease()).toBe(true)
    })

    it("tells a node that stood still that it lost its lease, and the others that it is back", async () => {
      const { a, b, atA, atB } = await two()
      const stalled = world.stall("b")
      await atA.hears("ended b")
      await stalled
      await atB.hears("lease lost")
      expect(b.holdsLease()).toBe(true)
      await vi.waitFor(() => expect(a.others.has("b")).toBe(true), 10_000)
      await a.publish("b", utf8("again"))
      await atB.hears("again")
    })

    it("hears nothing after its end, which may be asked for twice", async () => {
      const { a, b, atB } = await two()
      await b.stop()
      await b.stop()
      await a.broadcast(utf8("late"))
      await a.publish("b", utf8("late"))
      expect(atB.heard).not.toContain("late")
    })
  })
}
