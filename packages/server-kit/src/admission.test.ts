import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, it } from "vitest"
import { Admission, sourceOf } from "./admission.ts"
import { HandshakeGate, PLACE_TIME } from "./handshake-gate.ts"
import { defaultServerSettings } from "./server-settings.ts"

describe("sourceOf", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["1:2:3:4::", "1:2:3:4::/64"],
  ])("counts %s as %s", (address, source) => expect(sourceOf(address)).toBe(source))
})

describe("Admission", () => {
  it("bounds connections", () => {
    const admission = new Admission({ ...defaultServerSettings, maxConnections: 2 }, new ManualClock())
    expect([admission.enter(), admission.enter(), admission.enter()]).toEqual([undefined, undefined, "connections"])
    admission.leave()
    expect(admission.enter()).toBeUndefined()
  })

  it("bounds the connections of a source", () => {
    const admission = new Admission({ ...defaultServerSettings, maxPerSource: 2 }, new ManualClock())
    const enter = (source: string): unknown => admission.enterSource(source)
    expect([enter("a"), enter("a"), enter("a"), enter("b")]).toEqual([undefined, undefined, "per_source", undefined])
    admission.leaveSource("a")
    expect([enter("a"), enter("a")]).toEqual([undefined, "per_source"])
  })

  it("bounds the rate of a source", () => {
    const clock = new ManualClock()
    const settings = { ...defaultServerSettings, newPerSourcePerMinute: 30, newPerSourceBurst: 2 }
    const admission = new Admission(settings, clock)
    const enter = (source: string): unknown => admission.enterSource(source)
    expect([enter("a"), enter("a"), enter("a"), enter("b")]).toEqual([undefined, undefined, "source_rate", undefined])
    clock.advance(1_999)
    expect(enter("a")).toBe("source_rate")
    clock.advance(1)
    expect(enter("a")).toBeUndefined()
  })
})

describe("HandshakeGate", () => {
  it("lets the next in when a place is left, in order, and those who gave up never", () => {
    const begun: string[] = []
    const gate = new HandshakeGate(1, 3, new ManualClock())
    const enter = (name: string): (() => void) | undefined => gate.enter(() => void begun.push(name))
    const [a, b, c, d] = ["a", "b", "c", "d"].map(enter)
    expect(enter("e")).toBeUndefined()
    expect([begun, gate.waiting]).toEqual([["a"], 3])
    b?.()
    a?.()
    a?.()
    expect(begun).toEqual(["a", "c"])
    c?.()
    d?.()
    expect(begun).toEqual(["a", "c", "d"])
    expect(gate.waiting).toBe(0)
  })

  it("takes the place from who keeps it too long, and then counts nobody twice", () => {
    const clock = new ManualClock()
    const begun: string[] = []
    const gate = new HandshakeGate(1, 9, clock)
    const [a, b] = ["a", "b", "c"].map((name) => gate.enter(() => void begun.push(name)))
    clock.advance(PLACE_TIME)
    expect(begun).toEqual(["a", "b"])
    a?.()
    expect(begun).toEqual(["a", "b"])
    b?.()
    expect(begun).toEqual(["a", "b", "c"])
    clock.advance(PLACE_TIME)
    expect(clock.pending).toBe(0)
  })
})
