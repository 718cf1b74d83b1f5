import { describe, expect, it } from "vitest"
import { decodeBase64Url, encodeBase64Url } from "./base64url.ts"
import { fromHex, toHex } from "./bytes.ts"
import { pad, unpad } from "./padding.ts"
import { Reader } from "./reader.ts"
import { formatVersionRange, parseVersionRange } from "./version.ts"
import { Writer } from "./writer.ts"

describe("basics", () => {
  it("writes and reads back", () => {
    const w = new Writer(4)
    w.u8(1).u16(513).u32(0xfffefdfc).int64(-2).int64(1234567890123456789n).bool(true).short(fromHex("0102"))
    w.large(fromHex("03"))
      .text("é")
      .maybe(undefined, (x, n: number) => x.u8(n))
      .list([1, 2], (x, n) => x.u16(n))
    w.ascii("OK").space()
    const bytes = w.finish()
    expect(toHex(bytes)).toBe(
      "010201fffefdfcfffffffffffffffe112210f47de98115540201020001030" + "2c3a930020001" + "00024f4b20",
    )
    const r = new Reader(bytes)
    expect([r.u8("a"), r.u16("b"), r.u32("c"), r.seconds("d"), r.int64("e"), r.bool("f")]).toEqual([
      1,
      513,
      0xfffefdfc,
      -2,
      1234567890123456789n,
      true,
    ])
    expect([toHex(r.short("g")), toHex(r.large("h")), r.text("i")]).toEqual(["0102", "03", "é"])
    expect([r.maybe((x) => x.u8("j")), r.list((x) => x.u16("k"))]).toEqual([undefined, [1, 2]])
    expect(toHex(r.takeUntil(0x20))).toBe("4f4b")
    r.space("l")
    r.end()
  })
  it("pads, base64s, versions", () => {
    expect(toHex(unpad(pad(fromHex("0102"), 8)))).toBe("0102")
    expect(encodeBase64Url(fromHex("fbff"))).toBe("-_8=")
    expect(toHex(decodeBase64Url("-_8"))).toBe("fbff")
    expect(formatVersionRange(parseVersionRange("6-18"))).toBe("6-18")
  })
})
