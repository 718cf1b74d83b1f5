import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, it } from "vitest"
import { Admission, sourceOf } from "./admission.ts"
import { HandshakeGate } from "./handshake-gate.ts"
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

  it("knows nothing of a peer that is gone", () => expect(sourceOf(undefined)).toBeUndefined())
})

describe("Admission", () => {
  it("bounds connections, and those of a source", () => {
    const admission = new Admission({ ...defaultServerSettings, maxConnections: 3, maxPerSource: 2 }, new ManualClock())
    expect([admission.admit("a"), admission.admit("a"), admission.admit("a")]).toEqual([
      undefined,
      undefined,
      "per_source",
    ])
    expect([admission.admit(undefined), admission.admit("b")]).toEqual([undefined, "connections"])
    admission.leave("a")
    expect(admission.admit("a")).toBeUndefined()
  })
})

describe("HandshakeGate", () => {
  it("lets the next in when a place is left, in order, and those who gave up never", () => {
    const begun: string[] = []
    const gate = new HandshakeGate(1, 3)
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
})
