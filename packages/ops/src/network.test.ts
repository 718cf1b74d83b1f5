import { expect, it } from "vitest"
import { formatNetwork, parseNetwork } from "./network.ts"

it.each([
  ["10.0.0.0/8", "10.0.0.0/8"],
  ["192.0.2.1", "192.0.2.1/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["2001:db8::/32", "2001:db8::/32"],
  ["::1", "::1/128"],
])("reads %s", (text, written) => {
  const network = parseNetwork(text)
  expect(network && formatNetwork(network)).toBe(written)
})

it.each([
  "",
  "/8",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/08",
  "10.0.0.0/8/8",
  "10.0/8",
  "::/129",
  "host/8",
  "10.0.0.0/-1",
])("refuses %j", (text) => expect(parseNetwork(text)).toBeUndefined())
