import fc from "fast-check"
import { expect, it } from "vitest"
import { formatBind, parseBind } from "./bind.ts"

it.each([
  ["5223", undefined, 5223],
  [443, undefined, 443],
  ["*:5223", undefined, 5223],
  ["127.0.0.1:9090", "127.0.0.1", 9090],
  ["[::1]:9090", "::1", 9090],
  ["[fe80::1%eth0]:1", "fe80::1%eth0", 1],
  ["localhost:0", "localhost", 0],
])("reads %j", (text, host, port) => expect(parseBind(text)).toEqual({ host, port }))

it.each(["", "65536", "127.0.0.1", "::1:80", ":80", "[::1]", "a b:80", "host:", "host:-1", 1.5])("refuses %j", (text) =>
  expect(parseBind(text)).toBeUndefined(),
)

it("reads back what it writes", () => {
  const host = fc.oneof(fc.constant(undefined), fc.ipV4(), fc.ipV6(), fc.domain())
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (host, port) => {
      expect(parseBind(formatBind({ host, port }))).toEqual({ host, port })
    }),
  )
})
