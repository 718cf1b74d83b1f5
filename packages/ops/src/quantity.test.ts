import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { formatDuration, formatSize, parseDuration, parseSize } from "./quantity.ts"

describe("durations", () => {
  it.each([
    ["1.5s", 1_500],
    ["250ms", 250],
    ["2h", 7_200_000],
    ["21d", 1_814_400_000],
    ["1w", 604_800_000],
    ["10 m", 600_000],
    ["90", 90_000],
    ["0.5", 500],
    ["1.005s", 1_005],
    ["0", 0],
    [15, 15_000],
    [0.25, 250],
  ])("reads %j as %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each(["", "s", "1y", "-1s", "1.s", ".5s", "1e3", "1S", "1 2s", "0x10", "0.0001ms", "1,5s", "99999999999999d"])(
    "refuses %j",
    (text) => expect(parseDuration(text)).toBeUndefined(),
  )

  it.each([
    [0, "0s"],
    [250, "250ms"],
    [1_500, "1.5s"],
    [5_400_000, "90m"],
    [86_400_000, "1d"],
  ])("writes %d ms as %s", (ms, text) => expect(formatDuration(ms)).toBe(text))

  it("reads back what it writes", () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms))
  })
})

describe("sizes", () => {
  it.each([
    ["64MiB", 67_108_864],
    ["1.5GB", 1_500_000_000],
    ["512", 512],
    ["512B", 512],
    ["16 KiB", 16_384],
    [4_096, 4_096],
  ])("reads %j as %d bytes", (text, bytes) => expect(parseSize(text)).toBe(bytes))

  it.each(["64M", "64mib", "-1", "0.2B", "9999999TiB", "MiB"])("refuses %j", (text) =>
    expect(parseSize(text)).toBeUndefined(),
  )

  it("reads back what it writes", () => {
    const bytes = fc.oneof(
      fc.nat(),
      fc.maxSafeNat(),
      fc.nat(1_000).map((n) => n * 2 ** 20),
    )
    fc.assert(fc.property(bytes, (n) => parseSize(formatSize(n)) === n))
  })
})
