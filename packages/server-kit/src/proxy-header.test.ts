import { utf8 } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseProxyHeader } from "./proxy-header.ts"

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

function binary(command: number, family: number, body: readonly number[]): Uint8Array {
  return Uint8Array.of(...SIGNATURE, command, family, body.length >> 8, body.length & 0xff, ...body)
}

const V4 = binary(0x21, 0x11, [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x14, 0x67])
const V6_BODY = [
  0x20,
  0x01,
  0x0d,
  0xb8,
  ...new Array<number>(11).fill(0),
  1,
  ...new Array<number>(16).fill(9),
  0,
  1,
  0,
  2,
]
const MAPPED_BODY = [...new Array<number>(10).fill(0), 0xff, 0xff, 192, 0, 2, 1, ...V6_BODY.slice(16)]
const LINE = utf8("PROXY TCP4 192.0.2.1 198.51.100.2 56324 5223\r\n")
const headers: readonly (readonly [string, Uint8Array, string | undefined])[] = [
  ["a line for IPv4", LINE, "192.0.2.1"],
  ["a line for IPv6", utf8("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"), "2001:db8::1"],
  ["a line of a balancer that does not know", utf8("PROXY UNKNOWN\r\n"), undefined],
  ["the longest such line", utf8(`PROXY UNKNOWN ${"f".repeat(91)}\r\n`), undefined],
  ["binary for IPv4", V4, "192.0.2.1"],
  ["binary for IPv6", binary(0x21, 0x21, V6_BODY), "2001:db8:0:0:0:0:0:1"],
  ["binary for IPv4 inside of IPv6", binary(0x21, 0x21, MAPPED_BODY), "192.0.2.1"],
  ["binary with more fields", binary(0x21, 0x21, [...V6_BODY, 3, 0, 4, 1, 2, 3, 4]), "2001:db8:0:0:0:0:0:1"],
  ["binary of the balancer itself", binary(0x20, 0x00, []), undefined],
  ["binary of the balancer itself, with addresses", binary(0x20, 0x11, [...V4.subarray(16)]), undefined],
  ["binary without addresses", binary(0x21, 0x00, []), undefined],
]

describe.each(headers)("%s", (_, bytes, source) => {
  const complete = { state: "complete", length: bytes.length, ...(source !== undefined && { source }) }

  it("is read, whatever follows", () => {
    expect(parseProxyHeader(bytes)).toEqual(complete)
    expect(parseProxyHeader(Uint8Array.of(...bytes, 22, 3, 1))).toEqual(complete)
  })

  it("is incomplete at every cut", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(parseProxyHeader(bytes.subarray(0, length))).toEqual({ state: "incomplete" })
    }
  })
})

it.each([
  ["TLS", Uint8Array.of(22, 3, 1, 2, 0, 1)],
  ["no end", utf8(`PROXY UNKNOWN ${"f".repeat(100)}`)],
  ["a bare line feed", utf8("PROXY UNKNOWN\n")],
  ["another protocol", utf8("PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n")],
  ["no addresses", utf8("PROXY TCP4\r\n")],
  ["an address of the other family", utf8("PROXY TCP4 2001:db8::1 198.51.100.2 1 2\r\n")],
  ["a wrong address", utf8("PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n")],
  ["a wrong port", utf8("PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n")],
  ["a port too few", utf8("PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n")],
  ["another version", binary(0x31, 0x11, [...V4.subarray(16)])],
  ["another command", binary(0x22, 0x11, [...V4.subarray(16)])],
  ["datagrams", binary(0x21, 0x12, [...V4.subarray(16)])],
  ["a Unix socket", binary(0x21, 0x31, new Array<number>(216).fill(0))],
  ["addresses cut short", binary(0x21, 0x11, [1, 2, 3])],
  ["far too much", binary(0x21, 0x11, new Array<number>(2033).fill(0))],
])("refuses %s", (_, bytes) => {
  expect(parseProxyHeader(bytes)).toEqual({ state: "invalid" })
})

it("has a result for any bytes, and never one longer than they are", () => {
  const start = fc.constantFrom(new Uint8Array(0), Uint8Array.from(SIGNATURE), utf8("PROXY TCP4 "), V4.subarray(0, 14))
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 120 }), (before, after) => {
      const header = parseProxyHeader(Uint8Array.of(...before, ...after))
      if (header.state === "complete") expect(header.length).toBeLessThanOrEqual(before.length + after.length)
    }),
  )
})
