import { nativeCrypto } from "@sluice/crypto/native"
import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, it } from "vitest"
import { ClientLimit } from "./client-limit.ts"

describe("the limit of clients", () => {
  it("is each one's own: an IPv4 address, or an IPv6 network", () => {
    const clock = new ManualClock()
    const limit = new ClientLimit({ perSecond: 1, burst: 2, maxKeys: 100 }, nativeCrypto, clock)
    const ask = (address: string): boolean => limit.take(address) === 0
    expect(["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"].map(ask)).toEqual([true, true, false, true])
    expect(["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"].map(ask)).toEqual([true, true, false, true])
    expect(limit.take("192.0.2.1")).toBe(1000)
    clock.advance(1000)
    expect(ask("192.0.2.1")).toBe(true)
    expect(limit.size).toBe(4)
  })
})
