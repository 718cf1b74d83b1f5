import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { announcedRange, negotiate, serviceVersion } from "./negotiation.ts"

const range = fc
  .tuple(fc.integer({ min: 6, max: 20 }), fc.integer({ min: 6, max: 20 }))
  .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }))

describe("versions", () => {
  it("are all announced with any ALPN, and v6 alone without", () => {
    const full = { min: 6, max: 20 }
    expect(announcedRange(full, "smp/1")).toEqual(full)
    expect(announcedRange(full, "h2")).toEqual(full)
    for (const none of [false, null, ""] as const) expect(announcedRange(full, none)).toEqual({ min: 6, max: 6 })
  })

  it("agree on the highest that both have", () => {
    fc.assert(
      fc.property(range, range, (own, server) => {
        const agreed = negotiate(own, server, false)
        const max = Math.min(own.max, server.max)
        const min = Math.max(own.min, server.min)
        expect(agreed).toEqual(min <= max ? { version: max, range: { min, max } } : undefined)
      }),
    )
  })

  it("of proxies never have block encryption with servers that do not know the proxy flag, unless set up to", () => {
    fc.assert(
      fc.property(range, range, (own, server) => {
        const agreed = negotiate(own, server, true)
        if (server.max >= 14) expect(agreed).toEqual(negotiate(own, server, false))
        else if (own.min <= 10 && agreed !== undefined) expect(agreed.version).toBeLessThanOrEqual(10)
        else if (agreed !== undefined) expect(agreed.version).toBe(own.min)
      }),
    )
  })

  it("at which clients name their service depend on the role", () => {
    expect((["M", "N", "P"] as const).map(serviceVersion)).toEqual([19, 16, 16])
  })
})
