import { setImmediate } from "node:timers/promises"
import { ManualClock } from "@sluice/ops/manual-clock"
import { Metrics } from "@sluice/ops/metrics"
import { beforeEach, describe, expect, it } from "vitest"
import { Fleet } from "./fleet.ts"
import { createFleetMetrics, type FleetMetrics } from "./fleet-metrics.ts"
import { MemoryHub } from "./memory-link.ts"

const id = (n: number): Uint8Array => new Uint8Array(24).fill(n)

/** A node with what it hears, in words. */
class Member {
  readonly heard: string[] = []
  readonly fleet: Fleet
  readonly metrics: FleetMetrics

  constructor(hub: MemoryHub, node: string, clock: ManualClock) {
    this.metrics = createFleetMetrics(new Metrics().register)
    this.fleet = new Fleet(hub.link(node), {
      clock,
      metrics: this.metrics,
      onError: () => this.heard.push("failure"),
    })
  }

  start(): Promise<void> {
    return this.fleet.start({
      hint: (hint, from) => this.heard.push(`${hint.tag} from ${from}`),
      missed: (what) => this.heard.push(`missed ${what}`),
      claimLost: (kind, claimed, to) => this.heard.push(`${kind} ${claimed[0]} to ${to}`),
    })
  }

  take(): string[] {
    return this.heard.splice(0)
  }
}

/** Everything that is on its way has arrived. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await setImmediate()
}

let hub: MemoryHub
let clock: ManualClock
let a: Member
let b: Member
let c: Member
beforeEach(async () => {
  hub = new MemoryHub()
  clock = new ManualClock()
  ;[a, b, c] = [new Member(hub, "a", clock), new Member(hub, "b", clock), new Member(hub, "c", clock)]
  await Promise.all([a.start(), b.start(), c.start()])
  await settled()
})

describe("hints", () => {
  it("of one turn leave in one payload for each node", async () => {
    const before = a.metrics.payloads.value
    for (let i = 0; i < 50; i++) a.fleet.tell("b", { tag: "stored", recipientId: id(i), epoch: i })
    a.fleet.tell("c", { tag: "stored", recipientId: id(1), epoch: 1 })
    a.fleet.tellAll({ tag: "notifierDeleted", notifierId: id(1) })
    await settled()
    expect(a.metrics.payloads.value - before).toBe(3)
    expect(b.take()).toEqual([...Array<string>(50).fill("stored from a"), "notifierDeleted from a"])
    expect(c.take()).toEqual(["stored from a", "notifierDeleted from a"])
    expect(a.take()).toEqual([])
  })

  it("that carry messages fill payloads as far as they go", async () => {
    const before = a.metrics.payloads.value
    const carried = { filling: 1, id: id(2), timestamp: 3, notify: false, body: new Uint8Array(16_048) }
    for (let i = 0; i < 9; i++) a.fleet.tell("b", { tag: "stored", recipientId: id(i), epoch: i, carried })
    a.fleet.tell("b", { tag: "stored", recipientId: id(1), epoch: 1 })
    await settled()
    expect(a.metrics.payloads.value - before).toBe(3)
    expect(b.take()).toEqual(Array<string>(10).fill("stored from a"))
    expect(b.metrics.malformed.value).toBe(0)
  })

  it("for oneself go nowhere", async () => {
    a.fleet.tell("a", { tag: "stored", recipientId: id(1), epoch: 1 })
    await settled()
    expect(a.take()).toEqual([])
  })

  it("that can't be read are counted and dropped", async () => {
    const stranger = hub.link("stranger")
    const nothing = (): void => undefined
    const quiet = { received: nothing, interrupted: nothing, joined: nothing, ended: nothing, leaseLost: nothing }
    await stranger.start(quiet)
    await stranger.broadcast(new Uint8Array([9, 9]))
    await settled()
    expect(a.metrics.malformed.value).toBe(1)
    expect(a.take()).toEqual([])
  })

  it("that could not leave are made up for when the way is free", async () => {
    hub.cut("a")
    a.fleet.tell("b", { tag: "stored", recipientId: id(1), epoch: 1 })
    await settled()
    expect(a.take()).toEqual(["failure"])
    clock.advance(1000)
    await settled()
    hub.heal("a")
    await settled()
    expect(a.take()).toEqual(["missed everything"])
    clock.advance(10_000)
    await settled()
    expect(b.take()).toContain("missed everything")
    expect(b.take()).not.toContain("stored from a")
  })
})

describe("the end of a node", () => {
  it("makes others look again when it came without a word, and only then", async () => {
    hub.kill("b")
    await settled()
    expect(a.take()).toEqual(["missed hints"])
    await c.fleet.stop()
    await settled()
    expect(a.take()).toEqual([])
  })

  it("is found out by a node that stood still: nothing that waited for it is believed", async () => {
    hub.pause("b")
    a.fleet.tell("b", { tag: "stored", recipientId: id(1), epoch: 1 })
    await settled()
    hub.resume("b")
    await settled()
    expect(b.take()).toEqual(["missed everything"])
    expect(b.metrics.stale.value).toBe(1)
    expect(b.metrics.leasesLost.value).toBe(1)
    expect(a.take()).toEqual(["missed hints"])
  })
})

describe("claims", () => {
  it("of a later order end earlier ones", async () => {
    a.fleet.claim("notifier", id(1))
    await settled()
    b.fleet.claim("notifier", id(1))
    await settled()
    expect(a.take()).toEqual(["notifier 1 to b"])
    expect(b.take()).toEqual([])
  })

  it("at the same time leave one holder", async () => {
    for (const member of [a, b, c]) member.fleet.claim("messages", id(1))
    await settled()
    const losers = [a, b, c].filter((member) => member.take().length > 0)
    expect(losers).toHaveLength(2)
  })

  it("tell where hints for a service go; without one they go to all", async () => {
    a.fleet.tellHolder("messages", id(7), { tag: "storedForService", serviceId: id(7), recipientId: id(1) })
    await settled()
    expect([b.take(), c.take()]).toEqual([["storedForService from a"], ["storedForService from a"]])
    c.fleet.claim("messages", id(7))
    await settled()
    a.fleet.tellHolder("messages", id(7), { tag: "storedForService", serviceId: id(7), recipientId: id(1) })
    await settled()
    expect([b.take(), c.take()]).toEqual([[], ["storedForService from a"]])
    c.fleet.release("messages", id(7))
    await settled()
    a.fleet.tellHolder("messages", id(7), { tag: "storedForService", serviceId: id(7), recipientId: id(1) })
    await settled()
    expect(b.take()).toEqual(["storedForService from a"])
  })

  it("are learned by a node that comes later", async () => {
    c.fleet.claim("messages", id(7))
    await settled()
    const d = new Member(hub, "d", clock)
    await d.start()
    await settled()
    d.fleet.tellHolder("messages", id(7), { tag: "storedForService", serviceId: id(7), recipientId: id(1) })
    await settled()
    expect([a.take(), c.take()]).toEqual([[], ["storedForService from d"]])
  })

  it("that a node missed end when it repeats its own", async () => {
    a.fleet.claim("notifier", id(1))
    a.fleet.claim("messages", id(2))
    await settled()
    hub.cut("a")
    b.fleet.claim("notifier", id(1))
    b.fleet.claim("messages", id(2))
    await settled()
    expect(a.take()).toEqual([])
    hub.heal("a")
    await settled()
    expect(a.take().toSorted()).toEqual(["messages 2 to b", "missed everything", "notifier 1 to b"])
    expect(b.take()).toEqual([])
  })

  it("wait for an order while there is none to be had", async () => {
    hub.cut("a")
    a.fleet.claim("notifier", id(1))
    await settled()
    b.fleet.claim("notifier", id(1))
    await settled()
    hub.heal("a")
    clock.advance(5000)
    await settled()
    // It claimed without knowing of the other, whom it could not hear, and got the later order.
    expect(b.take()).toContain("notifier 1 to a")
  })

  it("can be ended without claiming", async () => {
    a.fleet.claim("notifier", id(1))
    await settled()
    b.fleet.displace("notifier", id(1))
    await settled()
    expect(a.take()).toEqual(["notifier 1 to b"])
  })
})
