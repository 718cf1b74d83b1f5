import { isIPv6 } from "node:net"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { formatIpv6, parseIpv6 } from "./ipv6.ts"

const group = fc.oneof(fc.constantFrom(0, 0, 1, 0xffff), fc.nat(0xffff))
const address = fc.array(group, { minLength: 8, maxLength: 8 })

describe("IPv6", () => {
  it("round-trips, in dotted form too", () => {
    fc.assert(
      fc.property(address, (groups) => void expect(parseIpv6(formatIpv6(groups))).toEqual(groups)),
      {
        numRuns: 1000,
      },
    )
  })

  it("writes what the URL standard writes, except dotted forms", () => {
    fc.assert(
      fc.property(address, (groups) => {
        const text = formatIpv6(groups)
        if (!text.includes(".")) expect(new URL(`http://[${text}]`).hostname).toBe(`[${text}]`)
      }),
      { numRuns: 1000 },
    )
  })

  it("reads all full forms of an address", () => {
    fc.assert(
      fc.property(address, fc.boolean(), (groups, wide) => {
        const digits = groups.map((each) => each.toString(16).padStart(wide ? 4 : 1, "0"))
        expect(parseIpv6(digits.join(":").toUpperCase())).toEqual(groups)
        const [high = 0, low = 0] = groups.slice(6)
        const dotted = [high >> 8, high & 255, low >> 8, low & 255].join(".")
        expect(parseIpv6(`${digits.slice(0, 6).join(":")}:${dotted}`)).toEqual(groups)
      }),
    )
  })

  it("accepts nothing that Node's own parser refuses", () => {
    const likely = fc.string({
      unit: fc.constantFrom("0", "1", "f", "12", ":", "::", ":", ".", "255", "256"),
      maxLength: 18,
    })
    fc.assert(
      fc.property(likely, (text) => {
        if (parseIpv6(text) !== undefined) expect(isIPv6(text)).toBe(true)
        else if (isIPv6(text)) expect(text).toMatch(/::/) // only a gap for no group at all is refused beyond that
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    "",
    ":",
    "::1::",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "12345::",
    "g::",
    "1.2.3.4::",
    "1.2.3.4",
    ":::",
  ])("refuses %j", (text) => {
    expect(parseIpv6(text)).toBeUndefined()
  })
})
